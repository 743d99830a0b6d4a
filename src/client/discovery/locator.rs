//! Who is asked where objects are.

use std::sync::Arc;
use std::time::Duration;

use super::answer::Answer;
use crate::client::pool::{self, Pool};
use crate::client::proxy::Proxy;
use crate::client::route::{Roster, Route};
use crate::client::target::{Source, Target};
use crate::client::{Call, Client as _};
use crate::protocol::QueryFClient;
use crate::set_division::SetDivision;
use crate::{Error, ObjectAddress, Result, code};

/// What is said about looking objects up; the setters of [`CommunicatorBuilder`](crate::CommunicatorBuilder) document
/// it.
#[derive(Clone, Debug)]
pub(in crate::client) struct Settings {
    pub(in crate::client) address: Option<ObjectAddress>,
    pub(in crate::client) division: Option<SetDivision>,
    pub(in crate::client) node_name: Option<String>,
    pub(in crate::client) interval: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            address: None,
            division: None,
            node_name: None,
            interval: Duration::from_mins(1),
        }
    }
}

/// The object to ask, from its string. Its own endpoints are in it: nobody else could tell them.
pub(in crate::client) fn parse(text: &str) -> Result<ObjectAddress> {
    let wrong = |reason: &str| Error::new(code::ADAPTER_NULL, format!("locator {reason}"));
    let address: ObjectAddress = text
        .parse()
        .map_err(|error: crate::ParseEndpointError| wrong(&error.to_string()).with_source(error))?;
    if address.endpoints.is_empty() {
        let name = &address.name;
        return Err(wrong(&format!(
            "`{name}` names no endpoint: write `{name}@tcp -h HOST -p PORT`"
        )));
    }
    for endpoint in &address.endpoints {
        pool::check(endpoint).map_err(|error| wrong(error.message()))?;
    }
    Ok(address)
}

/// The registry's `QueryF`, at one of its endpoints or another.
pub(in crate::client) struct Locator {
    query: QueryFClient,
    division: Option<SetDivision>,
    node_name: Option<String>,
    pub(in crate::client) address: ObjectAddress,
    pub(super) interval: Duration,
    /// What it is called in errors.
    pub(super) name: String,
}

impl Locator {
    /// Time of a lookup at all endpoints together.
    pub(super) const LIMIT: Duration = Duration::from_secs(5);

    pub(in crate::client) fn new(settings: Settings, pool: &Pool) -> Option<Self> {
        let address = settings.address?;
        let routes = address
            .endpoints
            .iter()
            .map(|endpoint| Route::new(pool.channel(endpoint.clone(), address.mark.as_deref())));
        let roster = Roster {
            routes: routes.collect(),
        };
        let name = format!("the registry at {}", roster.addresses().join(", "));
        let source = Source::Direct(Arc::new(roster));
        let target = Target::new(address.name.clone(), source, Arc::clone(&pool.settings));
        Some(Self {
            // Otherwise every process would ask the first one.
            query: QueryFClient::new(Proxy::new(target.starting_anywhere())),
            division: settings.division,
            node_name: settings.node_name,
            interval: settings.interval,
            address,
            name,
        })
    }

    /// Asks for the endpoints of an object: one endpoint of the registry, and the next one when it fails. Even a
    /// single one is asked twice, since it may have closed the idle connection just then.
    pub(super) async fn look_up(&self, object: &str) -> Result<Answer> {
        let attempts = u32::try_from(self.address.endpoints.len()).unwrap_or(u32::MAX).max(2);
        let patience = (Self::LIMIT / attempts).max(Duration::from_secs(1));
        let mut last = None;
        let asking = async {
            for _ in 0..attempts {
                match self.ask(object, patience).await {
                    Ok(answer) => return Some(answer),
                    Err(error) => last = Some(error),
                }
            }
            None
        };
        if let Ok(Some(answer)) = tokio::time::timeout(Self::LIMIT, asking).await {
            return Ok(answer);
        }
        let (code, reason) = match last {
            Some(error) => (error.code(), error.to_string()),
            None => (
                code::INVOKE_TIMEOUT,
                format!("no answer within {} ms", Self::LIMIT.as_millis()),
            ),
        };
        Err(Error::new(code, format!("{} cannot be asked: {reason}", self.name)))
    }

    async fn ask(&self, object: &str, patience: Duration) -> Result<Answer> {
        if let Some(division) = &self.division {
            let call = self.query.find_object_by_id_in_same_set(object, division.as_str());
            let found = self.prepared(call, patience).await?;
            return Ok(Answer {
                ret: found.ret,
                active: found.active_ep,
                inactive: found.inactive_ep,
            });
        }
        let call = self.query.find_object_by_id_in_same_group(object);
        let found = self.prepared(call, patience).await?;
        Ok(Answer {
            ret: found.ret,
            active: found.active_ep,
            inactive: found.inactive_ep,
        })
    }

    fn prepared<T>(&self, call: Call<T>, patience: Duration) -> Call<T> {
        let call = call.timeout(patience);
        match &self.node_name {
            Some(node_name) => call.context("node_name", node_name.clone()),
            None => call,
        }
    }
}

impl std::fmt::Debug for Locator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Locator")
            .field("address", &self.address.to_string())
            .field("division", &self.division)
            .field("node_name", &self.node_name)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}
