//! A container plan in preparation.

use super::parts::ContainerPlan;

/// A container plan before start order and stubs are resolved.
pub(super) struct ContainerDraft {
    /// Includes the definition's health check, even if it does not run locally.
    pub(super) plan: ContainerPlan,
    pub(super) is_started: bool,
    /// Whether the health check runs locally.
    pub(super) has_health_check: bool,
}

impl ContainerDraft {
    /// The final plan.
    pub(super) fn into_plan(self) -> ContainerPlan {
        ContainerPlan {
            health_check: self.plan.health_check.filter(|_| self.has_health_check),
            ..self.plan
        }
    }
}
