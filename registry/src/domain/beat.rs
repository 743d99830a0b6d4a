//! What a heartbeat does to an instance.

use serde::{Deserialize, Serialize};

use super::{Life, Registration, State};

/// What the database holds of an instance when its beat arrives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// `present_state` of its row in `t_server_conf`, if there is one. May be empty: a value that was never valid.
    pub(crate) server_state: Option<String>,
    /// Its row in our own table, if there is one.
    pub(crate) instance: Option<KnownInstance>,
}

/// The part of a document that a tombstone keeps.
#[derive(Deserialize, Serialize)]
struct Remains {
    life: Option<Life>,
}

/// Our own row of an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KnownInstance {
    /// It said it is leaving since it last registered.
    pub(crate) draining: bool,
    /// Who removed it, if it is a tombstone: [`REMOVED_BY_CLEAN`] or else.
    pub(crate) removed_by: Option<String>,
    /// The registration document (JSON).
    pub(crate) document: Option<String>,
    /// Its lease ran out since its last beat.
    pub(crate) has_expired: bool,
}

/// Tombstone of an instance that was taken for dead: a beat proves that it was not. Any other one (`prestop`) is of an
/// instance that ended by itself: nothing may bring it back but a registration.
pub(crate) const REMOVED_BY_CLEAN: &str = "clean";

/// What to do with a beat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BeatPlan {
    /// Write the state, and whether the instance is leaving from now on.
    Apply {
        /// State to store.
        state: State,
        /// Fence against older messages.
        draining: bool,
    },
    /// The instance is alive, but its state is older than what is known: only the beat counts.
    TouchOnly,
    /// Make the rows of a living instance again that a clean removed.
    Recreate(Box<Registration>),
    /// The instance ended, or this end is that of an earlier life: acknowledge and do nothing.
    Gone,
    /// Nobody knows it. It is acknowledged (old clients would retry for 100 s and restart nothing meanwhile) and told
    /// to register again.
    Unknown,
}

impl KnownInstance {
    /// The life that registered last.
    fn life(&self) -> Option<Life> {
        serde_json::from_str::<Remains>(self.document.as_deref()?).ok()?.life
    }

    /// Whether what is known is of another life than this.
    pub(crate) fn is_of_another(&self, life: Option<Life>) -> bool {
        life.is_some() && Life::differ(self.life(), life)
    }

    /// What stays of the document when the instance ended: whose end it was.
    pub(crate) fn remains(&self) -> Option<String> {
        let life = Some(self.life()?);
        serde_json::to_string(&Remains { life }).ok()
    }
}

/// Decides. States go activating -> active <-> inactive -> deactivating -> gone; what follows `deactivating` other than
/// an end is a late message.
pub(crate) fn plan_beat(known: Known, state: State, life: Option<Life>) -> BeatPlan {
    let instance = known.instance.unwrap_or_default();
    // A tombstone beside a row: another registry made the row since, and the tombstone says nothing of it.
    let is_apart = known.server_state.is_some() && instance.removed_by.is_some();
    if !is_apart && instance.is_of_another(life) {
        let is_over = known.server_state.is_none() || instance.has_expired;
        match (state.is_leaving(), is_over) {
            // The other life, which registered later, goes on.
            (true, _) => return BeatPlan::Gone,
            // It is over, and this one lives: what is known of the other is not to come back in its place.
            (false, true) => return BeatPlan::Unknown,
            // Both live, or both are parts of one server.
            (false, false) => {}
        }
    }
    if let Some(stored) = &known.server_state {
        let draining = instance.draining && !is_apart;
        if is_fenced(stored, draining) && !state.is_leaving() {
            return BeatPlan::TouchOnly;
        }
        return BeatPlan::Apply {
            state,
            draining: state.is_leaving(),
        };
    }
    match instance.removed_by.as_deref() {
        // Who is leaving is not brought back, nor asked to come back.
        _ if state.is_leaving() => BeatPlan::Gone,
        Some(REMOVED_BY_CLEAN) if !instance.draining => recreate(instance.document.as_deref(), state),
        Some(_) => BeatPlan::Gone,
        None => BeatPlan::Unknown,
    }
}

/// Whether only a registration brings an instance back: it is leaving by its row, or it said so and nobody wrote since
/// that it starts or serves, as another registry on the same database does when the instance registers there.
pub(crate) fn is_fenced(stored_state: &str, draining: bool) -> bool {
    let is = |state: State| stored_state == state.as_str();
    is(State::Deactivating) || is(State::Destroyed) || (draining && !is(State::Activating) && !is(State::Active))
}

fn recreate(document: Option<&str>, state: State) -> BeatPlan {
    // A document of a later version that we cannot read is as good as none.
    match document.and_then(|text| serde_json::from_str::<Registration>(text).ok()) {
        Some(registration) => BeatPlan::Recreate(Box::new(Registration { state, ..registration })),
        None => BeatPlan::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::worker::WorkerWish;
    use crate::domain::{InstanceKey, Kept};

    fn registration() -> Registration {
        Registration {
            key: InstanceKey {
                application: "A".into(),
                server: "S".into(),
                node: "n".into(),
            },
            set: None,
            adapters: Vec::new(),
            disable_flow: true,
            state: State::Activating,
            version: "1".into(),
            template: None,
            server_type: None,
            life: None,
            kept: Kept::default(),
            worker: WorkerWish::Kept,
        }
    }

    fn tombstone(by: &str) -> Known {
        let document = serde_json::to_string(&registration()).unwrap();
        let removed_by = Some(by.to_owned());
        Known {
            server_state: None,
            instance: Some(KnownInstance {
                draining: false,
                removed_by,
                document: Some(document),
                has_expired: false,
            }),
        }
    }

    fn present(stored: &str, draining: bool) -> Known {
        Known {
            server_state: Some(stored.into()),
            instance: Some(KnownInstance {
                draining,
                ..KnownInstance::default()
            }),
        }
    }

    #[test]
    fn a_present_instance_takes_any_state_until_it_leaves() {
        let apply = |state: State| BeatPlan::Apply {
            state,
            draining: state.is_leaving(),
        };
        for state in State::ALL {
            for stored in ["active", "inactive", "activating", ""] {
                assert_eq!(plan_beat(present(stored, false), state, None), apply(state));
            }
            // Another registry took its registration meanwhile.
            for stored in ["active", "activating"] {
                assert_eq!(plan_beat(present(stored, true), state, None), apply(state));
            }
        }
    }

    #[test]
    fn a_leaving_instance_only_goes_on_leaving() {
        let fenced = [
            ("deactivating", true),
            ("deactivating", false),
            ("destroyed", false),
            ("inactive", true),
            ("", true),
        ];
        for (stored, draining) in fenced {
            for state in [State::Active, State::Inactive, State::Activating] {
                assert_eq!(plan_beat(present(stored, draining), state, None), BeatPlan::TouchOnly);
            }
            assert_eq!(
                plan_beat(present(stored, draining), State::Destroyed, None),
                BeatPlan::Apply {
                    state: State::Destroyed,
                    draining: true
                }
            );
        }
    }

    #[test]
    fn a_tombstone_says_nothing_of_a_row_made_since() {
        let mut known = present("inactive", true);
        known.instance.as_mut().unwrap().removed_by = Some(REMOVED_BY_CLEAN.into());
        assert!(matches!(plan_beat(known, State::Active, None), BeatPlan::Apply { .. }));
    }

    #[test]
    fn who_was_leaving_is_not_brought_back_after_a_clean() {
        let mut known = tombstone(REMOVED_BY_CLEAN);
        known.instance.as_mut().unwrap().draining = true;
        assert_eq!(plan_beat(known, State::Active, None), BeatPlan::Gone);
    }

    #[test]
    fn a_beat_brings_back_what_a_clean_took() {
        let plan = plan_beat(tombstone(REMOVED_BY_CLEAN), State::Active, None);
        let expected = Registration {
            state: State::Active,
            ..registration()
        };
        assert_eq!(plan, BeatPlan::Recreate(Box::new(expected)));
        assert_eq!(
            plan_beat(tombstone(REMOVED_BY_CLEAN), State::Deactivating, None),
            BeatPlan::Gone
        );
    }

    #[test]
    fn a_beat_never_brings_back_what_ended_by_itself() {
        for state in State::ALL {
            assert_eq!(plan_beat(tombstone("prestop"), state, None), BeatPlan::Gone);
        }
    }

    #[test]
    fn the_end_of_another_life_is_not_that_of_this_one() {
        let [own, other] = ["1", "2"].map(|word| Life::from_request(Some(word)));
        let document = serde_json::to_string(&Registration {
            life: own,
            ..registration()
        });
        let document = document.ok();
        let mut known = present("active", false);
        known.instance.as_mut().unwrap().document.clone_from(&document);
        for state in State::ALL {
            for life in [own, None, other] {
                let plan = plan_beat(known.clone(), state, life);
                if state.is_leaving() && life == other {
                    assert_eq!(plan, BeatPlan::Gone);
                } else {
                    assert!(matches!(plan, BeatPlan::Apply { .. }), "{plan:?}");
                }
            }
        }
        // When that one is over, whoever still beats is the instance.
        known.instance.as_mut().unwrap().has_expired = true;
        assert_eq!(plan_beat(known.clone(), State::Active, other), BeatPlan::Unknown);
        assert_eq!(plan_beat(known, State::Deactivating, other), BeatPlan::Gone);
        let mut ended = tombstone("prestop");
        let instance = ended.instance.as_mut().unwrap();
        instance.document = document;
        instance.document = instance.remains();
        assert_eq!(plan_beat(ended.clone(), State::Active, own), BeatPlan::Gone);
        assert_eq!(plan_beat(ended.clone(), State::Inactive, other), BeatPlan::Unknown);
        assert_eq!(plan_beat(ended.clone(), State::Destroyed, other), BeatPlan::Gone);
        // Beside a row that another registry made, the tombstone is of nobody.
        ended.server_state = Some("active".into());
        assert!(matches!(
            plan_beat(ended, State::Inactive, other),
            BeatPlan::Apply { .. }
        ));
    }

    #[test]
    fn without_document_or_row_the_instance_is_unknown() {
        assert_eq!(plan_beat(Known::default(), State::Active, None), BeatPlan::Unknown);
        assert_eq!(plan_beat(Known::default(), State::Deactivating, None), BeatPlan::Gone);
        let mut known = tombstone(REMOVED_BY_CLEAN);
        known.instance.as_mut().unwrap().document = Some("{}".into());
        assert_eq!(plan_beat(known, State::Active, None), BeatPlan::Unknown);
    }
}
