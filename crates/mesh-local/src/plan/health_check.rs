//! A container's health check, read.

use mesh_infra::cfn::ecs;
use sidecar_contract::Diagnostics;

use super::container::{seconds, texts};
use super::parts::HealthCheckPlan;

/// Reads an evaluated health check. `None` for one that says that there is none.
pub(super) fn read(check: &ecs::HealthCheck, path: &str, diagnostics: &mut Diagnostics) -> Option<HealthCheckPlan> {
    check.check_ranges(path, diagnostics);
    let words = texts(Some(&check.command));
    let command = match words.split_first() {
        Some((form, command)) if form == "CMD" && !command.is_empty() => command.to_vec(),
        // The definition's own text goes to the shell as it is, as in a container.
        Some((form, [line])) if form == "CMD-SHELL" => vec!["sh".to_owned(), "-c".to_owned(), line.clone()],
        Some((form, [])) if form == "NONE" => return None,
        _ => {
            // A word or list that is not known was reported, and a check that is wrong is one all the same.
            if check.command.known_items().is_some() {
                diagnostics.add(
                    format!("{path}.Command"),
                    "must begin with CMD and have a program, or be CMD-SHELL and one line",
                );
            }
            Vec::new()
        }
    };
    Some(HealthCheckPlan {
        command,
        interval: seconds(check.interval.as_ref(), 30),
        timeout: seconds(check.timeout.as_ref(), 5),
        retries: check
            .retries
            .as_ref()
            .and_then(|value| value.known().copied())
            .unwrap_or(3),
        start_period: seconds(check.start_period.as_ref(), 0),
    })
}
