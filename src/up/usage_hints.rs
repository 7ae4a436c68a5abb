//! What somebody can do with a mesh that runs: the commands to call it from another terminal.

use mesh_local::{LocalMesh, TaskAddress};

use crate::smoke_test::SmokeTest;

/// The invitation to call `mesh`, which has taken `walk`.
pub(super) fn text(mesh: &LocalMesh, walk: &SmokeTest) -> String {
    let mut lines = vec!["\nFrom another terminal:".to_owned()];
    // What is between the tasks can be called from there only.
    let there = mesh
        .bridge()
        .map_or(String::new(), |pid| format!("{} --net ", enter(pid)));
    for task in mesh.tasks() {
        lines.extend(ways_to(&task, &there));
    }
    for service in mesh.services_without_tasks() {
        lines.push(format!("  service {service}: its desired count is 0, no task runs"));
    }
    // The most telling call of the walk is its last.
    if let Some(call) = walk.calls.last()
        && let Some(address) = mesh.address_of(call.service(), None)
    {
        lines.push(format!("  {there}curl http://{address}{}", call.path()));
    }
    for task in mesh.tasks() {
        if let Some(pid) = task.network {
            let inside = enter(pid);
            lines.push(format!("  {inside} --net --mount    # a shell inside {}", task.task));
        }
    }
    lines.push(format!(
        "  curl http://{}/status    # what each Envoy has accepted and refused\n\nLogs are in {}. Ctrl-C stops everything.",
        mesh.control_plane().status,
        mesh.logs().display()
    ));
    lines.join("\n")
}

fn ways_to(task: &TaskAddress, there: &str) -> Vec<String> {
    let name = &task.task;
    let mut lines: Vec<String> = Vec::new();
    for (port, address) in &task.ingress {
        lines.push(if task.tcp.contains(port) {
            format!("  {address}    # {name}, port {port} (tcp)")
        } else {
            format!("  {there}curl http://{address}/    # {name}, port {port}")
        });
    }
    if lines.is_empty() {
        let applications = task.applications.iter();
        lines.extend(
            applications.map(|address| format!("  {there}curl http://{address}/    # {name}, without an Envoy")),
        );
    }
    lines
}

/// The beginning of a command that runs where the process `pid` is.
fn enter(pid: u32) -> String {
    let user = if is_in_user_namespace() {
        " --user --preserve-credentials"
    } else {
        ""
    };
    format!("nsenter --target {pid}{user}")
}

/// Whether this program runs in a user namespace, which whoever calls from outside has to enter first. The first of all
/// has every id, under its own number.
fn is_in_user_namespace() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    map.split_whitespace().ne(["0", "0", "4294967295"])
}
