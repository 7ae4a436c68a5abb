//! Rollouts that another controller has taken over: followed and reported until they end.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Controller, ControllerError, Platform, Progress};
use crate::deployment::Deployment;
use crate::outcome::Outcome;
use crate::phase::Rollout;
use crate::state::State;
use crate::store::Store;

/// A rollout that another controller has taken over.
#[derive(Debug)]
pub(super) struct Followed<V> {
    /// The version that its outcome names.
    pub(super) version: V,
    /// The outcome of the rollout before it.
    pub(super) last: Option<Outcome<V>>,
}

impl<V: Serialize + Clone + PartialEq> Followed<V> {
    /// The outcome of the rollout; `None` while it is in progress.
    ///
    /// # Errors
    ///
    /// [`ControllerError::Superseded`] and [`ControllerError::StateRemoved`] if the state no longer has it.
    pub(super) fn ended(&self, state: &State<V>) -> Result<Option<Outcome<V>>, ControllerError> {
        let last = state.last_outcome().filter(|last| Some(*last) != self.last.as_ref());
        match last {
            // Another rollout may have begun since.
            Some(last) if last.version == self.version => return Ok(Some(last.clone())),
            Some(last) if state.rollout().is_none() => return Err(self.superseded(&last.version)),
            _ => {}
        }
        match state.rollout() {
            None => Err(ControllerError::StateRemoved),
            Some(_) if *state.rollout_version() == self.version => Ok(None),
            Some(_) => Err(self.superseded(state.rollout_version())),
        }
    }

    fn superseded(&self, found: &V) -> ControllerError {
        ControllerError::Superseded {
            expected: text(&self.version),
            found: text(found),
        }
    }
}

/// A controller that has missed this many heartbeats has stopped. Decided by us.
const MISSED_HEARTBEATS: u32 = 3;

impl<S: Store, P> Controller<S, P> {
    /// Reports the progress of a rollout that another controller carries out, until it ends. Returns its outcome.
    pub(super) async fn follow<V>(
        &self,
        rollout: &Followed<V>,
        mut reported: Option<State<V>>,
    ) -> Result<Option<Outcome<V>>, ControllerError>
    where
        V: Serialize + DeserializeOwned + Clone + PartialEq,
        P: Platform<V>,
    {
        self.platform.report(Progress::TakenOver);
        let mut outage = None;
        // By the clock of this process, which may differ from the other's.
        let mut last_seen = (None, self.platform.now());
        loop {
            let stored = match Deployment::open(&self.store).await {
                Ok(stored) => stored.ok_or(ControllerError::StateRemoved)?,
                Err(error) => {
                    let wait = self.outlast(&mut outage, error)?;
                    self.platform.sleep(wait).await;
                    continue;
                }
            };
            if outage.is_some() {
                // The other controller had the same outage.
                last_seen.1 = self.platform.now();
            }
            self.recovered(&mut outage);
            let state = stored.state();
            if let Some(outcome) = rollout.ended(state)? {
                self.report_state(state, &mut reported);
                return Ok(Some(outcome));
            }
            self.report_state(state, &mut reported);
            let seen = state.rollout().and_then(Rollout::controller_seen_at);
            if seen.is_none() || seen != last_seen.0 {
                last_seen = (seen, self.platform.now());
            }
            let silent = self.platform.now().since(last_seen.1);
            if silent >= self.heartbeat_interval.saturating_mul(MISSED_HEARTBEATS) {
                return Err(ControllerError::ControllerStopped {
                    version: text(&rollout.version),
                    silent,
                });
            }
            self.platform.sleep(self.poll_interval).await;
        }
    }

    /// Reports a state, unless the reported one differs only in bookkeeping.
    pub(super) fn report_state<V: Clone + PartialEq>(&self, state: &State<V>, reported: &mut Option<State<V>>)
    where
        P: Platform<V>,
    {
        let summary = |state: &State<V>| {
            let phase = state.rollout().map(|rollout| (rollout.phase.as_str(), rollout.paused));
            (
                state.blue.clone(),
                state.green.clone(),
                state.weights,
                phase,
                state.last.clone(),
            )
        };
        if reported.as_ref().map(summary) != Some(summary(state)) {
            self.platform.report(Progress::State(state));
            *reported = Some(state.clone());
        }
    }
}

/// The version for a message.
fn text<V: Serialize>(version: &V) -> String {
    match serde_json::to_value(version) {
        Ok(serde_json::Value::String(text)) => text,
        Ok(value) => value.to_string(),
        // Stored versions can be serialized.
        Err(error) => format!("({error})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::{Event, step};
    use crate::timestamp::Timestamp;

    fn after(state: &State<u32>, millis: u64, events: impl IntoIterator<Item = Event<u32>>) -> State<u32> {
        events.into_iter().fold(state.clone(), |state, event| {
            step(&state, event, Timestamp::from_millis(millis)).0
        })
    }

    fn deploy(version: u32) -> Event<u32> {
        Event::Deploy {
            version,
            strategy: "all-at-once".parse().unwrap(),
            controller: "ci".to_owned(),
        }
    }

    fn completed(state: &State<u32>, millis: u64) -> State<u32> {
        (0..3).fold(state.clone(), |state, _| {
            let request = state.last_request();
            after(
                &state,
                millis,
                [Event::Ready { request }, Event::WeightsApplied { request }],
            )
        })
    }

    #[test]
    fn outcome_of_another_version_is_an_error_that_names_both() {
        let begun = after(&State::initial(1), 0, [deploy(4)]);
        let followed = Followed {
            version: *begun.rollout_version(),
            last: None,
        };
        assert!(matches!(followed.ended(&begun), Ok(None)));
        let aborted = completed(&after(&begun, 0, [Event::Abort]), 1);
        let outcome = followed.ended(&aborted).unwrap().unwrap();
        assert_eq!((outcome.version, outcome.status.as_str()), (4, "ROLLBACK_SUCCESSFUL"));

        let next = after(&aborted, 2, [deploy(5)]);
        assert_eq!(followed.ended(&next).unwrap(), Some(outcome), "it is still stored");
        let error = followed.ended(&completed(&next, 3)).unwrap_err().to_string();
        assert!(error.contains("the outcome of version 4 is unknown"), "{error}");
        assert!(error.contains("a rollout of version 5 has followed"), "{error}");
        assert!(matches!(
            followed.ended(&State::initial(1)),
            Err(ControllerError::StateRemoved)
        ));
    }

    #[test]
    fn rollback_to_the_previous_version_is_followed_by_the_version_that_it_withdraws() {
        let deployed = completed(&after(&State::initial(1), 0, [deploy(2)]), 1);
        let controller = "ci".to_owned();
        let reverting = after(&deployed, 2, [Event::Rollback { controller }]);
        let followed = Followed {
            version: *reverting.rollout_version(),
            last: deployed.last_outcome().cloned(),
        };
        assert!(matches!(followed.ended(&reverting), Ok(None)));
        let outcome = followed.ended(&completed(&reverting, 3)).unwrap().unwrap();
        assert_eq!((outcome.version, outcome.status.as_str()), (2, "ROLLBACK_SUCCESSFUL"));
        let aborted = after(&reverting, 3, [Event::Abort]);
        assert!(matches!(followed.ended(&aborted), Ok(None)));
        let outcome = followed.ended(&completed(&aborted, 4)).unwrap().unwrap();
        assert_eq!((outcome.version, outcome.status.as_str()), (2, "ROLLBACK_FAILED"));
    }
}
