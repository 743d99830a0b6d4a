//! The connections that the clients of a communicator share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::channel::Channel;
use super::communicator::Settings;
use crate::endpoint::Protocol;
use crate::{Endpoint, Error, Result, code};

/// One channel for each place that is called. It keeps none alive: a channel ends with its last user.
#[derive(Debug, Default)]
pub(super) struct Pool {
    pub(super) settings: Arc<Settings>,
    channels: Mutex<Channels>,
}

#[derive(Debug, Default)]
struct Channels {
    by_place: HashMap<Place, Weak<Channel>>,
    /// How many there were after the ended ones were last taken out.
    alive: usize,
}

/// What a connection is shared by.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Place {
    host: String,
    port: u16,
    /// The object's mark, what follows `#`.
    mark: Option<String>,
}

impl Pool {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings: Arc::new(settings),
            channels: Mutex::default(),
        }
    }

    /// The channel to an endpoint that [can be called](check).
    pub(super) fn channel(&self, endpoint: Endpoint, mark: Option<&str>) -> Arc<Channel> {
        let place = Place {
            host: endpoint.host.clone(),
            port: endpoint.port,
            mark: mark.map(str::to_owned),
        };
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.by_place.get(&place).and_then(Weak::upgrade) {
            return channel;
        }
        let channel = Arc::new(Channel::new(endpoint, Arc::clone(&self.settings)));
        channels.by_place.insert(place, Arc::downgrade(&channel));
        if channels.by_place.len() > channels.alive * 2 {
            channels.by_place.retain(|_, channel| channel.strong_count() > 0);
            channels.alive = channels.by_place.len();
        }
        channel
    }
}

/// Whether a client can call an endpoint.
pub(super) fn check(endpoint: &Endpoint) -> Result<()> {
    let reason = if endpoint.protocol != Protocol::Tcp {
        "only tcp is supported"
    } else if endpoint.port == 0 {
        "it has no port"
    } else {
        return Ok(());
    };
    let text = format!("cannot call `{endpoint}`: {reason}");
    Err(Error::new(code::ADAPTER_NULL, text))
}
