//! `data/server_info.yaml`: the server as genconf resolved it, in K8STARS' form.

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::{files, layout::Layout};

/// Most bytes of the file.
const MAX_SIZE: u64 = 4 * 1024 * 1024;

/// The whole file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ServerInfo {
    pub(crate) conf: ServerConf,
    /// The node's address, which is its name in the registry.
    pub(crate) local_ip: String,
    pub(crate) tars_path: String,
}

/// The server. The same keys as `_server_meta.yaml`, every one with its value. Times without a unit in the name are
/// milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(non_snake_case, reason = "the file's own names, which mix two styles")]
pub(crate) struct ServerConf {
    pub(crate) version: String,
    pub(crate) application: String,
    pub(crate) server: String,
    pub(crate) set_id: String,
    pub(crate) template_name: String,
    pub(crate) server_type: String,
    pub(crate) locator: String,
    pub(crate) sample_rate: i64,
    pub(crate) max_sample_count: i64,
    pub(crate) statObj: String,
    pub(crate) propertyObj: String,
    pub(crate) asyncThreadNum: i64,
    pub(crate) sync_invoke_timeout: i64,
    pub(crate) async_invoke_timeout: i64,
    pub(crate) report_interval: i64,
    pub(crate) refresh_endpoint_interval: i64,
    /// Endpoint of the server's AdminObj.
    pub(crate) local: String,
    pub(crate) logSize: String,
    pub(crate) logNum: i64,
    pub(crate) logLevel: String,
    pub(crate) configObj: String,
    pub(crate) notifyObj: String,
    pub(crate) logObj: String,
    pub(crate) deactivating_timeout: i64,
    pub(crate) adapters: Vec<Adapter>,
}

/// One object and where it is served.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Adapter {
    /// The last part of the servant's name, `HelloObj`.
    pub(crate) object: String,
    pub(crate) endpoint: String,
    pub(crate) maxconns: i32,
    pub(crate) protocol: String,
    pub(crate) queuecap: i32,
    pub(crate) queuetimeout: i32,
    pub(crate) threads: i32,
}

impl ServerInfo {
    /// Reads the file; `None` when there is none, because `genconf` has not run.
    pub(crate) fn read(layout: &Layout) -> anyhow::Result<Option<Self>> {
        let path = layout.server_info();
        let Some(text) = files::read(&path, MAX_SIZE)? else {
            return Ok(None);
        };
        let options = serde_saphyr::options! { with_snippet: false };
        let info = serde_saphyr::from_str_with_options(&text, options);
        info.map(Some).with_context(|| format!("`{}`", path.display()))
    }

    /// The file's text, each value in its key's line, for scripts that look for one.
    pub(crate) fn to_yaml(&self) -> anyhow::Result<String> {
        let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
        serde_saphyr::to_string_with_options(self, options).context("server_info.yaml")
    }
}

impl ServerConf {
    /// `Application.Server`.
    pub(crate) fn name(&self) -> String {
        format!("{}.{}", self.application, self.server)
    }

    /// `Application.Server.Object`.
    pub(crate) fn servant(&self, adapter: &Adapter) -> String {
        format!("{}.{}.{}", self.application, self.server, adapter.object)
    }
}

impl Default for ServerConf {
    fn default() -> Self {
        Self {
            version: String::new(),
            application: String::new(),
            server: String::new(),
            set_id: String::new(),
            template_name: String::new(),
            server_type: String::new(),
            locator: "tars.tarsregistry.QueryObj@tcp -h tars-registry.${namespace}.svc.cluster.local -p 17890"
                .to_owned(),
            sample_rate: 100_000,
            max_sample_count: 50,
            statObj: "tars.tarsstat.StatObj".to_owned(),
            propertyObj: "tars.tarsproperty.PropertyObj".to_owned(),
            asyncThreadNum: 3,
            sync_invoke_timeout: 3000,
            async_invoke_timeout: 5000,
            report_interval: 6000,
            refresh_endpoint_interval: 60_000,
            local: "tcp -h 127.0.0.1 -p ${random_port} -t 5000".to_owned(),
            logSize: "100M".to_owned(),
            logNum: 5,
            logLevel: "DEBUG".to_owned(),
            configObj: "tars.tarsconfig.ConfigObj".to_owned(),
            notifyObj: "tars.tarsnotify.NotifyObj".to_owned(),
            logObj: "tars.tarslog.LogObj".to_owned(),
            deactivating_timeout: 3000,
            adapters: Vec::new(),
        }
    }
}

impl Default for Adapter {
    fn default() -> Self {
        Self {
            object: String::new(),
            endpoint: String::new(),
            maxconns: 200_000,
            protocol: "tars".to_owned(),
            queuecap: 10_000,
            queuetimeout: 60_000,
            threads: 5,
        }
    }
}
