//! The configuration's keys, in K8STARS' order.

use std::fmt::Display;

use anyhow::Context as _;
use tars::config::Config;

use crate::server::{Adapter, ServerConf, ServerInfo};

const HEAD: &str =
    "# Written by `tarscli genconf`: changes here are lost. TARS_MERGE_CONF names a file whose values stay.
<tars>
</tars>
";

const APPLICATION: &str = "/tars/application";
const CLIENT: &str = "/tars/application/client";
const SERVER: &str = "/tars/application/server";

/// The configuration that a server is started with.
pub(super) fn render(info: &ServerInfo) -> anyhow::Result<Config> {
    let mut keys = Keys(HEAD.parse().context("the configuration's first lines")?);
    keys.application(&info.conf)?;
    keys.client(&info.conf)?;
    keys.server(info)?;
    Ok(keys.0)
}

/// A configuration that grows key by key.
struct Keys(Config);

impl Keys {
    fn set(&mut self, domain: &str, key: &str, value: &dyn Display) -> anyhow::Result<()> {
        let path = format!("{domain}<{key}>");
        // No parser tells spaces around a value from those around `=`.
        let value = value.to_string();
        self.0.set(&path, value.trim_matches(' ')).with_context(|| path)
    }

    fn application(&mut self, conf: &ServerConf) -> anyhow::Result<()> {
        let has_set = if conf.set_id.is_empty() { "n" } else { "y" };
        self.set(APPLICATION, "enableset", &has_set)?;
        self.set(APPLICATION, "setdivision", &conf.set_id)
    }

    fn client(&mut self, conf: &ServerConf) -> anyhow::Result<()> {
        self.set(CLIENT, "locator", &conf.locator)?;
        self.set(CLIENT, "sync-invoke-timeout", &conf.sync_invoke_timeout)?;
        self.set(CLIENT, "async-invoke-timeout", &conf.async_invoke_timeout)?;
        self.set(CLIENT, "refresh-endpoint-interval", &conf.refresh_endpoint_interval)?;
        self.set(CLIENT, "stat", &conf.statObj)?;
        self.set(CLIENT, "property", &conf.propertyObj)?;
        self.set(CLIENT, "report-interval", &conf.report_interval)?;
        self.set(CLIENT, "sample-rate", &conf.sample_rate)?;
        self.set(CLIENT, "max-sample-count", &conf.max_sample_count)?;
        self.set(CLIENT, "asyncthread", &conf.asyncThreadNum)?;
        self.set(CLIENT, "modulename", &conf.name())
    }

    fn server(&mut self, info: &ServerInfo) -> anyhow::Result<()> {
        let conf = &info.conf;
        self.set(SERVER, "app", &conf.application)?;
        self.set(SERVER, "server", &conf.server)?;
        self.set(SERVER, "localip", &info.local_ip)?;
        self.set(SERVER, "local", &conf.local)?;
        for adapter in &conf.adapters {
            self.adapter(conf, adapter)?;
        }
        let root = info.tars_path.trim_end_matches('/');
        self.set(SERVER, "basepath", &format!("{root}/bin/"))?;
        self.set(SERVER, "datapath", &format!("{root}/data/"))?;
        self.set(SERVER, "logpath", &format!("{root}/log/"))?;
        self.set(SERVER, "logLevel", &conf.logLevel)?;
        self.set(SERVER, "logsize", &conf.logSize)?;
        self.set(SERVER, "lognum", &conf.logNum)?;
        self.set(SERVER, "config", &conf.configObj)?;
        self.set(SERVER, "notify", &conf.notifyObj)?;
        self.set(SERVER, "log", &conf.logObj)?;
        self.set(SERVER, "deactivating-timeout", &conf.deactivating_timeout)
    }

    fn adapter(&mut self, conf: &ServerConf, adapter: &Adapter) -> anyhow::Result<()> {
        let servant = conf.servant(adapter);
        let name = format!("{servant}Adapter");
        let domain = format!("{SERVER}/{name}");
        self.0.set_flag(&format!("{domain}<allow>")).context("allow")?;
        self.set(&domain, "handlegroup", &name)?;
        self.set(&domain, "servant", &servant)?;
        self.set(&domain, "endpoint", &adapter.endpoint)?;
        self.set(&domain, "maxconns", &adapter.maxconns)?;
        self.set(&domain, "protocol", &adapter.protocol)?;
        self.set(&domain, "queuecap", &adapter.queuecap)?;
        self.set(&domain, "queuetimeout", &adapter.queuetimeout)?;
        self.set(&domain, "threads", &adapter.threads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "\
# Written by `tarscli genconf`: changes here are lost. TARS_MERGE_CONF names a file whose values stay.
<tars>
    <application>
        enableset = y
        setdivision = gray.sz.1
        <client>
            locator = tars.tarsregistry.QueryObj@tcp -h registry -p 17890
            sync-invoke-timeout = 3000
            async-invoke-timeout = 5000
            refresh-endpoint-interval = 60000
            stat = tars.tarsstat.StatObj
            property = tars.tarsproperty.PropertyObj
            report-interval = 6000
            sample-rate = 100000
            max-sample-count = 50
            asyncthread = 3
            modulename = App.Server1
        </client>
        <server>
            app = App
            server = Server1
            localip = 10.0.0.7
            local = tcp -h 127.0.0.1 -p 13001 -t 5000
            <App.Server1.MainObjAdapter>
                allow
                handlegroup = App.Server1.MainObjAdapter
                servant = App.Server1.MainObj
                endpoint = tcp -h 10.0.0.7 -p 13000
                maxconns = 200000
                protocol = tars
                queuecap = 10000
                queuetimeout = 60000
                threads = 10
            </App.Server1.MainObjAdapter>
            basepath = /tars/bin/
            datapath = /tars/data/
            logpath = /tars/log/
            logLevel = DEBUG
            logsize = 100M
            lognum = 5
            config = tars.tarsconfig.ConfigObj
            notify = tars.tarsnotify.NotifyObj
            log = tars.tarslog.LogObj
            deactivating-timeout = 3000
        </server>
    </application>
</tars>
";

    fn info() -> ServerInfo {
        let main = Adapter {
            object: "MainObj".to_owned(),
            endpoint: "tcp -h 10.0.0.7 -p 13000".to_owned(),
            threads: 10,
            ..Adapter::default()
        };
        let conf = ServerConf {
            application: "App".to_owned(),
            server: "Server1".to_owned(),
            set_id: "gray.sz.1".to_owned(),
            locator: "tars.tarsregistry.QueryObj@tcp -h registry -p 17890".to_owned(),
            local: "tcp -h 127.0.0.1 -p 13001 -t 5000".to_owned(),
            adapters: vec![main],
            ..ServerConf::default()
        };
        ServerInfo {
            conf,
            local_ip: "10.0.0.7".to_owned(),
            tars_path: "/tars/".to_owned(),
        }
    }

    #[test]
    fn the_whole_file() {
        assert_eq!(render(&info()).unwrap().to_string(), WHOLE);
    }

    #[test]
    fn no_value_becomes_a_line_of_its_own() {
        let mut info = info();
        info.conf.set_id = String::new();
        info.conf.logLevel = " INFO\n</server>\n".to_owned();
        let config = render(&info).unwrap();
        assert_eq!(config.get("/tars/application<enableset>").unwrap(), "n");
        assert_eq!(config.get("/tars/application<setdivision>").unwrap(), "");
        assert!(
            config
                .to_string()
                .contains("\n            logLevel = INFO\\n</server>\\n\n")
        );
    }
}
