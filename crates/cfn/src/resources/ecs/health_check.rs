//! Ranges of a container's health check, which the resource schema does not contain.

use sidecar_contract::Diagnostics;

use super::HealthCheck;
use crate::value::in_range;

impl HealthCheck {
    /// Reports durations and counts out of range. Expressions are not checked.
    ///
    /// Source: ECS API reference, `HealthCheck` (read 2026-11-23).
    pub fn check_ranges(&self, path: &str, diagnostics: &mut Diagnostics) {
        in_range(&self.interval, 5..=300, &format!("{path}.Interval"), diagnostics);
        in_range(&self.timeout, 2..=60, &format!("{path}.Timeout"), diagnostics);
        in_range(&self.retries, 1..=10, &format!("{path}.Retries"), diagnostics);
        in_range(&self.start_period, 0..=300, &format!("{path}.StartPeriod"), diagnostics);
    }
}
