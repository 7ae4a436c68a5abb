//! What a hook is called with: environment of a command, body of a request. Pure.

use bluegreen_state::{HookStage, Phase, Rollout, Side, State, Timestamp};
use serde_json::{Value, json};

use crate::Version;

/// A call of a hook at a stage of a rollout.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HookCall<'a> {
    application: &'a str,
    state: &'a State<Version>,
    stage: HookStage,
}

impl<'a> HookCall<'a> {
    pub(crate) fn new(application: &'a str, state: &'a State<Version>, stage: HookStage) -> Self {
        Self {
            application,
            state,
            stage,
        }
    }

    pub(crate) fn stage(&self) -> HookStage {
        self.stage
    }

    /// Identifies the rollout: the application, the number of the rollout, and when it began, because numbers begin again
    /// if the state is deleted.
    fn execution_id(&self) -> String {
        let rollout = self.state.rollout();
        let number = rollout.map_or(0, Rollout::number);
        let began = rollout.and_then(Rollout::began_at).map_or(0, Timestamp::as_millis);
        format!("{}-{number}-{began}", self.application)
    }

    /// Identifies the stage, and the step of the strategy, in the rollout.
    fn idempotency_key(&self) -> String {
        let step = match self.state.rollout().map(Rollout::phase) {
            Some(Phase::Shift { step, .. } | Phase::PostShift { step, .. }) => *step,
            _ => 0,
        };
        format!("{}/{}/{step}", self.execution_id(), self.stage)
    }

    pub(super) fn environment(&self) -> [(&'static str, String); 10] {
        let (state, target) = (self.state, self.state.target());
        let weight = |side| state.weights().share(side).get().to_string();
        [
            ("MESHWRIGHT_LIFECYCLE_STAGE", self.stage.to_string()),
            ("MESHWRIGHT_APPLICATION", self.application.to_owned()),
            ("MESHWRIGHT_VERSION", state.version(target).to_string()),
            ("MESHWRIGHT_SIDE", target.to_string()),
            ("MESHWRIGHT_OTHER_VERSION", state.version(target.other()).to_string()),
            ("MESHWRIGHT_BLUE_WEIGHT", weight(Side::Blue)),
            ("MESHWRIGHT_GREEN_WEIGHT", weight(Side::Green)),
            (
                "MESHWRIGHT_TEST_SIDE",
                state.test_side().map(|side| side.to_string()).unwrap_or_default(),
            ),
            ("MESHWRIGHT_EXECUTION_ID", self.execution_id()),
            ("MESHWRIGHT_IDEMPOTENCY_KEY", self.idempotency_key()),
        ]
    }

    pub(super) fn body(&self) -> Value {
        let (state, target) = (self.state, self.state.target());
        let weight = |side| state.weights().share(side).get();
        let test_weights = match state.test_side() {
            Some(side) => json!({side.as_str(): 100, side.other().as_str(): 0}),
            None => json!({}),
        };
        json!({
            "executionId": self.execution_id(),
            "lifecycleStage": self.stage,
            "idempotencyKey": self.idempotency_key(),
            "executionDetails": {
                "application": self.application,
                "version": state.version(target),
                "side": target.as_str(),
                "otherVersion": state.version(target.other()),
                "productionTrafficWeights": {"blue": weight(Side::Blue), "green": weight(Side::Green)},
                "testTrafficWeights": test_weights,
            },
        })
    }
}
