//! What servers and communicators take from a configuration file.

use std::time::Duration;

use tower_service::Service;

use super::Config;
use crate::error::BoxError;
use crate::{CommunicatorBuilder, Endpoint, Error, Request, Response, Result, ServerBuilder, code};

const APPLICATION: &str = "/tars/application";
const CLIENT: &str = "/tars/application/client";
const SERVER: &str = "/tars/application/server";

/// The object of a server's own administration.
const ADMIN: &str = "AdminObj";

impl ServerBuilder {
    /// Serves an object where a configuration file says, as the adapter whose `servant` it is: `App.Server.Obj`, or its
    /// last part alone. `AdminObj` is served at the `local` endpoint. See [`adapter`](Self::adapter) for the rest.
    ///
    /// [`bind`](Self::bind) fails when the file has no such adapter. Other keys of the file are not used.
    ///
    /// ```
    /// use tars::config::Config;
    /// # use tars::protocol::{AdminF, AdminFServer};
    /// # use tars::{Context, Result, Server};
    /// # struct Admin;
    /// # impl AdminF for Admin {
    /// #     async fn shutdown(&self, _cx: &mut Context) -> Result<()> { Ok(()) }
    /// #     async fn notify(&self, _cx: &mut Context, command: String) -> Result<String> { Ok(command) }
    /// #     async fn get_pid(&self, _cx: &mut Context) -> Result<i64> { Ok(1) }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// # let file = std::env::temp_dir().join(format!("tars-config-{}.conf", std::process::id()));
    /// # let text = "<tars>\n<application>\n<server>\nlocal=tcp -h 127.0.0.1 -p 0\n</server>\n</application>\n</tars>";
    /// # std::fs::write(&file, text).expect("a temporary file");
    /// let config = Config::read(&file)?; // the file of `--config=FILE`
    /// # std::fs::remove_file(&file).expect("it is there");
    /// let server = Server::builder().servant(&config, "AdminObj", AdminFServer::new(Admin)).bind().await?;
    /// # assert_eq!(server.local_endpoints().len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn servant<S>(self, config: &Config, object: &str, service: S) -> Self
    where
        S: Service<Request, Response = Response> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
    {
        let place = place(config, object);
        let name = place.as_ref().map_or(object, |place| &place.object).to_owned();
        self.adapter(Configured(place), name, service)
    }
}

/// Where an object is served.
struct Place {
    object: String,
    endpoint: Endpoint,
}

/// What an adapter is given in place of an endpoint: its failure is told by `bind`.
struct Configured(Result<Place, BoxError>);

impl TryFrom<Configured> for Endpoint {
    type Error = BoxError;

    fn try_from(configured: Configured) -> Result<Self, BoxError> {
        configured.0.map(|place| place.endpoint)
    }
}

fn place(config: &Config, object: &str) -> Result<Place, BoxError> {
    let (object, path) = if object == ADMIN {
        (object.to_owned(), format!("{SERVER}<local>"))
    } else {
        adapter(config, object)
            .ok_or_else(|| format!("of `{object}`: no adapter of the configuration has it as its `servant`"))?
    };
    let endpoint = config
        .get(&path)
        .ok_or_else(|| format!("of `{object}`: the configuration has no `{path}`"))?;
    let endpoint = endpoint.parse()?;
    Ok(Place { object, endpoint })
}

/// The whole name of an object, and the path of its endpoint.
fn adapter(config: &Config, object: &str) -> Option<(String, String)> {
    config.domains(SERVER).find_map(|adapter| {
        let servant = config.get(&format!("{SERVER}/{adapter}<servant>"))?;
        let is_it = *servant == *object || servant.rsplit('.').next() == Some(object);
        is_it.then(|| (servant.into_owned(), format!("{SERVER}/{adapter}<endpoint>")))
    })
}

impl CommunicatorBuilder {
    /// Takes over what a configuration file says about a client: `locator`, `sync-invoke-timeout`, `connect-timeout`,
    /// `refresh-endpoint-interval` (times in milliseconds), the set when `enableset` is `y`, and the node's name,
    /// `localip`. What the file does not have stays as it is. Fails when a value cannot be used.
    ///
    /// ```
    /// let config: tars::config::Config = "\
    /// <tars>
    ///   <application>
    ///     <client>
    ///       locator = tars.tarsregistry.QueryObj@tcp -h registry -p 17890
    ///       sync-invoke-timeout = 3000
    ///     </client>
    ///   </application>
    /// </tars>".parse()?;
    /// let communicator = tars::Communicator::builder().config(&config)?.build();
    /// let proxy = communicator.proxy("TestApp.HelloServer.HelloObj")?; // is looked up
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn config(mut self, config: &Config) -> Result<Self> {
        let client = |key: &str| {
            config
                .get(&format!("{CLIENT}<{key}>"))
                .filter(|value| !value.is_empty())
        };
        if let Some(locator) = client("locator") {
            self = self.locator(&locator)?;
        }
        if let Some(time) = milliseconds(config, "sync-invoke-timeout")? {
            self = self.timeout(time);
        }
        if let Some(time) = milliseconds(config, "connect-timeout")? {
            self = self.connect_timeout(time);
        }
        if let Some(time) = milliseconds(config, "refresh-endpoint-interval")? {
            self = self.refresh_interval(time);
        }
        let enabled = config.get(&format!("{APPLICATION}<enableset>"));
        if enabled.is_some_and(|enabled| enabled.eq_ignore_ascii_case("y")) {
            let set = config.get(&format!("{APPLICATION}<setdivision>"));
            self = self.set_division(set.as_deref().unwrap_or_default())?;
        }
        if let Some(node) = config
            .get(&format!("{SERVER}<localip>"))
            .filter(|node| !node.is_empty())
        {
            self = self.node_name(node);
        }
        Ok(self)
    }
}

fn milliseconds(config: &Config, key: &str) -> Result<Option<Duration>> {
    let path = format!("{CLIENT}<{key}>");
    let Some(value) = config.get(&path).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let time = value.parse().map(Duration::from_millis);
    time.map(Some)
        .map_err(|_| Error::new(code::UNKNOWN, format!("`{path}`: expected a number of milliseconds")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Communicator, Context, Server};

    #[derive(Clone)]
    struct Admin;

    impl crate::protocol::AdminF for Admin {
        async fn shutdown(&self, _cx: &mut Context) -> Result<()> {
            Ok(())
        }

        async fn notify(&self, _cx: &mut Context, command: String) -> Result<String> {
            Ok(format!("did {command}"))
        }

        async fn get_pid(&self, _cx: &mut Context) -> Result<i64> {
            Ok(1)
        }
    }

    fn service() -> crate::protocol::AdminFServer<Admin> {
        crate::protocol::AdminFServer::new(Admin)
    }

    fn config() -> Config {
        let mut config = Config::new();
        for (path, value) in [
            ("/tars/application<enableset>", "n"),
            ("/tars/application<setdivision>", ""),
            ("/tars/application/client<locator>", "a.b.c@tcp -h 127.0.0.1 -p 1"),
            ("/tars/application/client<sync-invoke-timeout>", "10000"),
            ("/tars/application/client<refresh-endpoint-interval>", "60000"),
            ("/tars/application/server<local>", "tcp -h 127.0.0.1 -p 0 -t 5000"),
            ("/tars/application/server<localip>", "127.0.0.1"),
            ("/tars/application/server/A.B.OneObjAdapter<servant>", "A.B.OneObj"),
            (
                "/tars/application/server/A.B.OneObjAdapter<endpoint>",
                "tcp -h 127.0.0.1 -p 0 -t 60000",
            ),
            ("/tars/application/server/A.B.BadObjAdapter<servant>", "A.B.BadObj"),
            ("/tars/application/server/A.B.BadObjAdapter<endpoint>", "http"),
            ("/tars/application/server/A.B.BareObjAdapter<servant>", "A.B.BareObj"),
        ] {
            config.set(path, value).unwrap();
        }
        config
    }

    #[tokio::test]
    async fn objects_are_served_where_the_file_says() {
        let builder =
            Server::builder()
                .servant(&config(), "OneObj", service())
                .servant(&config(), "AdminObj", service());
        let server = builder.bind().await.unwrap();
        let [one, admin] = server.local_endpoints() else {
            panic!("two adapters");
        };
        assert_eq!((one.timeout_ms, admin.timeout_ms), (Some(60_000), Some(5000)));
        let communicator = Communicator::builder().config(&config()).unwrap().build();
        let objects = [format!("A.B.OneObj@{one}"), format!("AdminObj@{admin}")];
        let serving = tokio::spawn(server.serve());
        for object in objects {
            let client: crate::protocol::AdminFClient = communicator.client(&object).unwrap();
            assert_eq!(client.notify("x").await.unwrap(), "did x");
        }
        serving.abort();
    }

    #[tokio::test]
    async fn what_the_file_lacks_is_named() {
        for (object, expected) in [
            (
                "NoObj",
                "endpoint of `NoObj`: no adapter of the configuration has it as its `servant`",
            ),
            (
                "A.C.OneObj",
                "endpoint of `A.C.OneObj`: no adapter of the configuration has it as its `servant`",
            ),
            (
                "BadObj",
                "endpoint `http`, column 1: expected `tcp`, `udp` or `ssl`, found `http`",
            ),
            (
                "A.B.BareObj",
                "endpoint of `A.B.BareObj`: the configuration has no `/tars/application/server/A.B.BareObjAdapter<endpoint>`",
            ),
        ] {
            let bound = Server::builder().servant(&config(), object, service()).bind().await;
            assert_eq!(bound.unwrap_err().message(), expected);
        }
        let bound = Server::builder().servant(&Config::new(), ADMIN, service()).bind().await;
        let expected = "endpoint of `AdminObj`: the configuration has no `/tars/application/server<local>`";
        assert_eq!(bound.unwrap_err().message(), expected);
    }

    #[test]
    fn values_of_clients_are_checked() {
        assert!(Communicator::builder().config(&Config::new()).is_ok());
        for (path, value, expected) in [
            ("/tars/application/client<locator>", "a.b.c", "locator"),
            (
                "/tars/application/client<connect-timeout>",
                "soon",
                "`/tars/application/client<connect-timeout>`: expected a number of milliseconds",
            ),
            (
                "/tars/application<enableset>",
                "Y",
                "set division `` has not three parts",
            ),
        ] {
            let mut config = config();
            config.set(path, value).unwrap();
            let Err(error) = Communicator::builder().config(&config) else {
                panic!("{path}");
            };
            assert!(error.message().contains(expected), "{error}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let error = Config::read("/no/such/file.conf").unwrap_err();
        assert!(
            error.message().starts_with("cannot read `/no/such/file.conf`: "),
            "{error}"
        );
        let error = Config::read("/dev/zero").unwrap_err();
        assert!(error.message().contains("expected at most 1048576 bytes"), "{error}");
    }
}
