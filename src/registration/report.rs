//! What is worth knowing of the talk with the registry: every change, and the first of a row of failures.

use super::life::{Farewell, Outcome, Step};
use super::talk::Talk;
use crate::Error;
use crate::registration::State;

impl Talk {
    pub(super) fn report(&self, step: Step, outcome: Outcome, error: Option<&Error>) {
        match (step, error) {
            (_, Some(error)) => self.report_failure(step, outcome, error),
            (Step::Prestop, None) => self.report_end(),
            (Step::Beat(State::Deactivating), None) => tracing::debug!(server = self.instance.name(), "deactivating"),
            (Step::Beat(_), None) if outcome == Outcome::Forgotten => self.report_forgotten(),
            (Step::Beat(state), None) => self.report_registered(state),
            (_, None) => tracing::debug!(server = self.instance.name(), ?step, "accepted"),
        }
    }

    fn report_registered(&self, state: State) {
        let server = self.instance.name();
        if self.status.borrow().registered {
            tracing::debug!(server, %state, "still registered");
            return;
        }
        let node = self.node.as_deref().unwrap_or_default();
        let endpoints = self.instance.endpoints(node);
        let registry = &self.settings.object;
        tracing::info!(server, node, registry, %state, "registered: {endpoints}");
    }

    fn report_end(&self) {
        let (server, registry) = (self.instance.name(), &self.settings.object);
        let node = self.node.as_deref().unwrap_or_default();
        tracing::info!(server, node, registry, "taken out of the registry");
    }

    fn report_forgotten(&self) {
        let (server, registry) = (self.instance.name(), &self.settings.object);
        let times = self.life.forgotten();
        match times {
            1 => tracing::info!(
                server,
                registry,
                "the registry does not know the server: registering again"
            ),
            2 => tracing::warn!(
                server,
                registry,
                "the registry took the registration and still does not know the server: trying on, ever more slowly"
            ),
            _ => tracing::debug!(server, registry, times, "the registry does not know the server yet"),
        }
    }

    fn report_failure(&self, step: Step, outcome: Outcome, error: &Error) {
        let (server, registry) = (self.instance.name(), &self.settings.object);
        let node = self.node.as_deref().unwrap_or_default();
        match (step, outcome) {
            (Step::Prestop | Step::Beat(State::Deactivating), _) => self.report_unheard(step, error),
            (Step::Metrics, Outcome::Failed) if self.life.metrics_failures() == 1 => tracing::warn!(
                server,
                node,
                registry,
                %error,
                "the metrics port is not registered yet: registerMetrics failed; trying on"
            ),
            (Step::Metrics, Outcome::Refused) => tracing::error!(
                server,
                node,
                registry,
                %error,
                "the metrics port is not registered: the registry refuses registerMetrics"
            ),
            (Step::Startup(_) | Step::Beat(_), Outcome::Refused) if self.life.refusals() == 1 => {
                tracing::error!(server, node, registry, ?step, %error, "the registry refuses; trying on");
            }
            (Step::Startup(_) | Step::Beat(_), Outcome::Failed) if self.life.failures() == 1 => {
                tracing::warn!(server, node, registry, ?step, %error, "cannot reach the registry; trying on");
            }
            _ => tracing::debug!(server, node, registry, ?step, ?outcome, %error, "still so"),
        }
    }

    /// The first try and the last one.
    fn report_unheard(&self, step: Step, error: &Error) {
        let server = self.instance.name();
        let (word, farewell) = match step {
            Step::Prestop => ("onPrestop", self.life.removal()),
            _ => ("deactivating", self.life.deactivation()),
        };
        match farewell {
            Farewell::Due(1) | Farewell::GivenUp => {
                tracing::warn!(server, %error, "the registry was not told that the server leaves ({word})");
            }
            _ => tracing::debug!(server, %error, "still not told that the server leaves ({word})"),
        }
    }

    pub(super) fn report_worker_id(&self, held: Option<u32>, given: Option<u32>) {
        let (server, registry) = (self.instance.name(), &self.settings.object);
        match (held, given) {
            (None, Some(number)) => tracing::info!(server, worker_id = number, "the registry gave a worker id"),
            (Some(held), Some(given)) if held != given => {
                tracing::warn!(
                    server,
                    registry,
                    held,
                    given,
                    "the registry gave another worker id than before"
                );
            }
            (Some(_), Some(_)) => {}
            (Some(held), None) => {
                tracing::warn!(server, registry, held, "the registry gave no worker id this time");
            }
            (None, None) => tracing::warn!(
                server,
                registry,
                "the registry gave no worker id: it has none, or is too old"
            ),
        }
    }
}
