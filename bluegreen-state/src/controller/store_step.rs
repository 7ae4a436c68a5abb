//! Steps of the state machine, stored before their effects follow.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::outage::Outage;
use super::{Controller, ControllerError, Platform};
use crate::deployment::{Deployment, Error};
use crate::rollout::{Effect, Event};
use crate::store::Store;

impl<S: Store, P> Controller<S, P> {
    /// Takes a step and stores it, outlasting an outage of the store. Returns the conflict if another controller was
    /// first.
    pub(super) async fn store_step<V>(
        &self,
        deployment: &mut Deployment<V, &S>,
        event: Event<V>,
        outage: &mut Option<Outage>,
    ) -> Result<Result<Vec<Effect<V>>, Error>, ControllerError>
    where
        V: Serialize + DeserializeOwned + Clone + PartialEq,
        P: Platform<V>,
    {
        let is_heartbeat = matches!(event, Event::Heartbeat);
        // The same time for each attempt, so that a step with a lost response is recognised.
        let now = self.platform.now();
        loop {
            match deployment.apply(event.clone(), now).await {
                Ok(effects) => {
                    self.recovered(outage);
                    return Ok(Ok(effects));
                }
                Err(error) if error.is_conflict() && !error.is_transient() => return Ok(Err(error)),
                // The next heartbeat does as well, and health is checked meanwhile.
                Err(error) if is_heartbeat && error.is_transient() => return Ok(Ok(Vec::new())),
                Err(error) => {
                    let wait = self.outlast(outage, error)?;
                    self.platform.sleep(wait).await;
                }
            }
        }
    }
}
