//! Where a server of this example is, and who tells the registry: itself, or the supervisor of its container.

use std::{path::Path, time::Duration};

use tars::{
    BoxError, Communicator, Registration, ServerBuilder, config::Config, protocol::AdminFServer, trace::Tracer,
};

use crate::{Settings, admin::Admin};

/// Where a server is.
#[derive(Clone, Debug)]
pub struct Place {
    /// Where it listens.
    pub endpoint: String,
    /// Where its `AdminObj` listens, which the supervisor of a container asks; without one, the server registers itself.
    admin: Option<String>,
    locator: String,
    refresh: Duration,
}

impl Settings {
    /// Where the server of `object` is.
    pub fn place(&self, object: &str) -> Result<Place, BoxError> {
        if let Some(path) = &self.config {
            return Place::read(path, object).map_err(|why| format!("{}: {why}", path.display()).into());
        }
        Ok(Place {
            endpoint: self.endpoint.clone(),
            admin: None,
            locator: self.locator.clone(),
            refresh: Duration::from_secs(self.refresh_seconds),
        })
    }
}

impl Place {
    fn read(path: &Path, object: &str) -> Result<Self, BoxError> {
        let config: Config = std::fs::read_to_string(path)?.parse()?;
        let value = |path: &str| match config.get(path) {
            Some(value) => Ok(value.into_owned()),
            None => Err(format!("expected {path}")),
        };
        let refresh = value("/tars/application/client<refresh-endpoint-interval>")?;
        Ok(Self {
            endpoint: value(&format!("/tars/application/server/{object}Adapter<endpoint>"))?,
            admin: Some(value("/tars/application/server<local>")?),
            locator: value("/tars/application/client<locator>")?,
            refresh: Duration::from_millis(refresh.parse()?),
        })
    }

    /// The connections to other servers.
    pub fn communicator(&self, tracer: &Tracer) -> tars::Result<Communicator> {
        Ok(Communicator::builder()
            .locator(&self.locator)?
            .refresh_interval(self.refresh)
            .tracer(tracer.clone())
            .build())
    }

    /// Adds what makes the registry know the server.
    pub fn known(&self, server: ServerBuilder, communicator: &Communicator) -> ServerBuilder {
        match &self.admin {
            Some(admin) => server.adapter(admin.as_str(), "AdminObj", AdminFServer::new(Admin)),
            None => server.register(Registration::with(communicator)),
        }
    }
}
