//! Reads of a mesh's parameters and revision markers: their results, and the next ones.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::{LogEvent, State, failure_event};
use crate::error::AwsError;
use crate::parameter::Parameter;
use crate::parameters;

impl State {
    /// Applies the parameters of a mesh.
    pub(crate) fn on_parameters(
        &mut self,
        name: &str,
        reading: Result<Vec<Parameter>, AwsError>,
        now: Instant,
    ) -> Vec<LogEvent> {
        let Some(mesh) = self.meshes.get_mut(name) else {
            return Vec::new();
        };
        let parameters = match reading {
            Ok(parameters) => parameters,
            Err(failure) => {
                mesh.plan.on_parameters(false, false, now);
                return failure_event(
                    mesh.line.record_failure(failure.to_string(), Some(failure.reason), now),
                    &mesh.line,
                );
            }
        };
        match mesh.configuration.read(&parameters) {
            Ok(view) => {
                let before = mesh.next.as_ref().or(mesh.served.as_ref());
                let has_changed = before.is_some_and(|before| before.config_hash != view.config_hash);
                mesh.plan.on_parameters(true, has_changed, now);
                let is_back = mesh.line.record_success(now);
                mesh.parameters = parameters.len();
                let known: BTreeSet<&String> = before.into_iter().flat_map(|view| &view.damaged).collect();
                let unknown = view.damaged.iter().filter(|damaged| !known.contains(damaged));
                let mut events: Vec<LogEvent> = unknown.cloned().map(LogEvent::Warning).collect();
                if is_back {
                    events.push(LogEvent::Info(format!("mesh {name}: parameters are readable again")));
                }
                mesh.next = Some(view);
                self.has_new_views = true;
                events
            }
            Err(no_mesh) => {
                mesh.plan.on_parameters(false, false, now);
                failure_event(mesh.line.record_failure(no_mesh, None, now), &mesh.line)
            }
        }
    }

    /// Applies the revision markers of a mesh. Returns whether all of its parameters are to be read at once.
    pub(crate) fn on_markers(&mut self, name: &str, read: &Result<Vec<Parameter>, AwsError>, now: Instant) -> bool {
        let Some(mesh) = self.meshes.get_mut(name) else {
            return false;
        };
        if let Ok(markers) = read {
            mesh.markers = markers.len();
        }
        let read = read.as_ref().map(Vec::as_slice).map_err(|failure| failure.reason);
        mesh.plan.on_markers(read, now)
    }

    /// The time between two reads of a mesh's revision markers.
    pub(crate) fn marker_interval(&self, name: &str, now: Instant) -> Option<Duration> {
        let calls = self
            .meshes
            .values()
            .map(|mesh| parameters::marker_calls(mesh.markers))
            .sum();
        Some(self.meshes.get(name)?.plan.marker_interval(calls, now))
    }

    /// The time of the next read of all parameters of a mesh. `luck`, between 0 and 1, selects the jitter.
    pub(crate) fn parameters_due(&self, name: &str, luck: f64, now: Instant) -> Option<Instant> {
        Some(
            self.meshes
                .get(name)?
                .plan
                .parameters_due(self.parameter_calls(), luck, now),
        )
    }

    /// Records the start of a read of all parameters of a mesh.
    pub(crate) fn on_parameters_start(&mut self, name: &str, now: Instant) {
        let calls = self.parameter_calls();
        if let Some(mesh) = self.meshes.get_mut(name) {
            mesh.plan.on_start(calls, now);
        }
    }

    /// Whether the last read of a mesh's parameters failed.
    pub(crate) fn is_mesh_failing(&self, name: &str) -> bool {
        self.meshes.get(name).is_some_and(|mesh| mesh.line.failures() > 0)
    }

    /// Whether a mesh failed to be read before, and was found to be readable since the current read began.
    pub(crate) fn is_reread_wanted(&self, name: &str) -> bool {
        let is_wanted = self.meshes.get(name).is_some_and(|mesh| mesh.plan.is_wanted());
        is_wanted && self.is_mesh_failing(name)
    }

    /// The number of calls to read all parameters of all meshes.
    pub(super) fn parameter_calls(&self) -> usize {
        let calls = self.meshes.values().map(|mesh| parameters::calls(mesh.parameters));
        calls.sum()
    }
}
