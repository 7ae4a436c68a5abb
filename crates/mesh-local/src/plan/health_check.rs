//! Reads container health checks.

use mesh_infra::cfn::ecs;
use sidecar_contract::Diagnostics;

use super::parts::{HealthCheckPlan, PortPlan};
use super::values::{seconds, texts};

/// Reads an evaluated health check. `None` if it is disabled.
pub(super) fn read(check: &ecs::HealthCheck, path: &str, diagnostics: &mut Diagnostics) -> Option<HealthCheckPlan> {
    check.check_ranges(path, diagnostics);
    let parts = texts(Some(&check.command));
    let command = match parts.split_first() {
        Some((form, command)) if form == "CMD" && !command.is_empty() => command.to_vec(),
        // Passed to the shell unchanged, as in a container.
        Some((form, [line])) if form == "CMD-SHELL" => vec!["sh".to_owned(), "-c".to_owned(), line.clone()],
        Some((form, [])) if form == "NONE" => return None,
        _ => {
            // Unknown parts were reported; the check still exists.
            if check.command.known_items().is_some() {
                diagnostics.add(
                    format!("{path}.Command"),
                    "is not a valid command; expected CMD and a program, or CMD-SHELL and one line",
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

/// A container port that the check asks at the loopback address, and that a variable moves. In the shared network, the
/// container listens on another port.
pub(super) fn moved_port(check: &HealthCheckPlan, ports: &[PortPlan]) -> Option<u16> {
    let command = check.command.join(" ");
    let moved = ports.iter().filter(|port| port.variable.is_some());
    let mut moved = moved.map(|port| port.mapping.container_port);
    moved.find(|port| {
        ["localhost", "127.0.0.1", "0.0.0.0", "[::1]"].into_iter().any(|host| {
            let asked = format!("{host}:{port}");
            let mut found = command.match_indices(&asked);
            found.any(|(at, _)| !command[at + asked.len()..].starts_with(|next: char| next.is_ascii_digit()))
        })
    })
}
