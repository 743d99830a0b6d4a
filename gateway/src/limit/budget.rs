//! Bytes held for callers: so many for all of them, and of those a part for each one.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::rate::Network;
use super::tally::{Part, Tally};

/// Bytes that one permit stands for.
const UNIT: usize = 1024;

/// Bytes of each body that do not count against all: what is small passes when others have filled the budget. They do
/// count against their client, and there are no more of them than requests at once.
const SMALL: usize = 16 * 1024;

/// The part of the budget that one client may have: one in so many.
const CLIENTS: usize = 4;

/// A budget of bytes.
#[derive(Debug)]
pub(super) struct Budget {
    all: Arc<Semaphore>,
    clients: Arc<Tally<Network>>,
}

/// Whose budget does not suffice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// Everybody's.
    All,
    /// The client's own part.
    Client,
}

/// Bytes of one body in the budget, until it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    all: Arc<Semaphore>,
    part: Part<Network>,
    permits: Option<OwnedSemaphorePermit>,
    size: usize,
}

impl Budget {
    /// A budget of `bytes`. Each client may have a quarter of it, and always one body of `largest` bytes.
    pub(super) fn new(bytes: usize, largest: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(bytes.div_ceil(UNIT).min(Semaphore::MAX_PERMITS))),
            clients: Tally::new((bytes / CLIENTS).max(largest)),
        }
    }

    /// A share of `client`, of nothing yet.
    pub(super) fn share(&self, client: IpAddr) -> Result<Share, Full> {
        Ok(Share {
            all: Arc::clone(&self.all),
            part: self.clients.take(Network::of(client), 0).ok_or(Full::Client)?,
            permits: None,
            size: 0,
        })
    }
}

impl Share {
    /// Makes the share large enough for `size` bytes.
    pub(super) fn grow(&mut self, size: usize) -> Result<(), Full> {
        let has = self.permits.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = size.saturating_sub(SMALL).div_ceil(UNIT).saturating_sub(has);
        let more = Arc::clone(&self.all).try_acquire_many_owned(u32::try_from(more).unwrap_or(u32::MAX));
        let more = more.map_err(|_| Full::All)?;
        if !self.part.grow(size.saturating_sub(self.size)) {
            return Err(Full::Client);
        }
        self.size = self.size.max(size);
        match &mut self.permits {
            Some(permits) => permits.merge(more),
            None => self.permits = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const B: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn take(budget: &Budget, client: IpAddr, size: usize) -> Result<Share, Full> {
        let mut share = budget.share(client)?;
        share.grow(size).map(|()| share)
    }

    #[test]
    fn one_client_has_a_part() {
        let budget = Budget::new(400_000, 50_000);
        let large: Vec<_> = (0..2).map(|_| take(&budget, A, 50_000).unwrap()).collect();
        assert_eq!(take(&budget, A, 1).unwrap_err(), Full::Client);
        take(&budget, B, 50_000).unwrap();
        drop(large);
        take(&budget, A, 50_000).unwrap();
    }

    #[test]
    fn small_bodies_pass_when_it_is_full() {
        let budget = Budget::new(100_000, 100_000);
        let _large = take(&budget, A, 100_000).unwrap();
        assert_eq!(take(&budget, B, 100_000).unwrap_err(), Full::All);
        let mut growing = take(&budget, B, SMALL).unwrap();
        assert_eq!(growing.grow(40_000), Err(Full::All));
    }
}
