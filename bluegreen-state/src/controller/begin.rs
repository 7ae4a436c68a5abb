//! The begin of a command: takes over the rollout in progress and applies the event.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Controller, ControllerError, Platform, owner};
use crate::deployment::{Deployment, Error};
use crate::phase::Phase;
use crate::rollout::{Effect, Event, step};
use crate::state::State;
use crate::store::Store;

/// Attempts to apply a command that conflicts with steps of the controller it takes over from.
const MAX_BEGIN_ATTEMPTS: u32 = 5;

impl<S: Store, P> Controller<S, P> {
    /// [Begins](Self::begin), again if the controller of the rollout has taken a step in the meantime.
    pub(super) async fn begin_despite_steps<'a, V>(
        &'a self,
        deployment: &mut Deployment<V, &'a S>,
        event: Event<V>,
    ) -> Result<Vec<Effect<V>>, ControllerError>
    where
        V: Serialize + DeserializeOwned + Clone + PartialEq,
        P: Platform<V>,
    {
        for _ in 1..MAX_BEGIN_ATTEMPTS {
            let before = owner(deployment.state());
            let error = match self.begin(deployment, event.clone()).await {
                Err(ControllerError::TakenOver(error)) => error,
                result => return result,
            };
            if error.is_transient() {
                self.platform.sleep(self.poll_interval).await;
            }
            let current = self.open().await?.ok_or(ControllerError::StateRemoved)?;
            if before.is_none() || owner(current.state()) != before {
                return Err(ControllerError::TakenOver(error));
            }
            *deployment = current;
        }
        self.begin(deployment, event).await
    }

    /// Takes over a rollout in progress and applies `event`. Returns the effects to carry out.
    async fn begin<V>(
        &self,
        deployment: &mut Deployment<V, &S>,
        event: Event<V>,
    ) -> Result<Vec<Effect<V>>, ControllerError>
    where
        V: Serialize + DeserializeOwned + Clone + PartialEq,
        P: Platform<V>,
    {
        // A rejected event must not take over, unless it repeats the deployment that is being rolled back.
        let (_, effects) = step(deployment.state(), event.clone(), self.platform.now());
        let completes_rollback = match effects.into_iter().next() {
            Some(Effect::Rejected { reason }) if !is_rolled_back(deployment.state(), &event) => {
                return Err(reason.into());
            }
            Some(Effect::Rejected { .. }) => true,
            _ => false,
        };
        let mut effects = Vec::new();
        if deployment.state().rollout().is_some() {
            let controller = self.name.clone();
            let resumed = deployment
                .apply(Event::Resume { controller }, self.platform.now())
                .await;
            effects = resumed.map_err(not_begun)?;
        }
        if completes_rollback {
            return Ok(effects);
        }
        // Once the rollout is this controller's, no other controller drives it: an outage is outlasted.
        let further = match deployment.state().rollout().is_some() {
            true => {
                let stored = self.store_step(deployment, event, &mut None).await?;
                stored.map_err(ControllerError::TakenOver)?
            }
            false => deployment.apply(event, self.platform.now()).await.map_err(not_begun)?,
        };
        // Only the last request counts. There is no new one if the same deployment is in progress.
        Ok(if further.is_empty() { effects } else { further })
    }
}

/// True if `event` deploys the version that is being rolled back.
fn is_rolled_back<V: PartialEq>(state: &State<V>, event: &Event<V>) -> bool {
    let phase = state.rollout().map(|rollout| &rollout.phase);
    match (phase, event) {
        (Some(Phase::RollBack { version, .. }), Event::Deploy { version: desired, .. }) => version == desired,
        _ => false,
    }
}

fn not_begun(error: Error) -> ControllerError {
    if error.is_conflict() {
        ControllerError::TakenOver(error)
    } else {
        ControllerError::State(error)
    }
}
