//! Usage hints: commands to call a running mesh from another terminal.

use std::net::SocketAddr;
use std::path::Path;

use mesh_local::{Entrance, LocalMesh, REGION, TaskAddress};
use mesh_model::load_balancer::ListenerProtocol;

use crate::serve::exports;
use crate::smoke_test::SmokeTest;

/// The commands for `mesh`, with the last call of its smoke test and the address of App Mesh's API.
pub(super) fn text(mesh: &LocalMesh, smoke_test: &SmokeTest, api: Option<SocketAddr>) -> String {
    let mut lines = vec!["\nFrom another terminal:".to_owned()];
    // Addresses of network namespaces can be called from the bridge namespace only.
    let prefix = mesh
        .bridge()
        .map_or(String::new(), |pid| format!("{} --net ", enter(pid)));
    let authority = mesh.development_authority();
    lines.extend(mesh.entrances().map(|entrance| entrance_line(&entrance, authority)));
    if let Some(authority) = authority {
        lines.push(format!(
            "  trust {}    # the development authority of its certificates",
            authority.display()
        ));
    }
    for task in mesh.tasks() {
        lines.extend(commands_for(&task, &prefix, authority));
    }
    for service in mesh.services_without_tasks() {
        lines.push(format!("  service {service}: its desired count is 0, no task runs"));
    }
    // The last call is usually the most complete one.
    if let Some(call) = smoke_test.calls.last()
        && let Some(address) = mesh.address_of(call.service(), None)
    {
        lines.push(format!("  {prefix}curl http://{address}{}", call.path()));
    }
    for task in mesh.tasks() {
        if let Some(pid) = task.network {
            let enter = enter(pid);
            lines.push(format!("  {enter} --net --mount    # a shell inside {}", task.task));
        }
    }
    if let Some(api) = api {
        lines.push(exports::of_up(api, mesh.control_plane().xds, REGION));
    }
    lines.push(format!(
        "  curl http://{}/status    # ACKs and NACKs of each Envoy\n\nLogs are in {}. Ctrl-C stops everything.",
        mesh.control_plane().status,
        mesh.logs().display()
    ));
    lines.join("\n")
}

/// The command for a listener of a load balancer, which is where people call a stack.
fn entrance_line(entrance: &Entrance, authority: Option<&Path>) -> String {
    let Entrance {
        load_balancer,
        publishes,
        port,
        protocol,
        address,
        ..
    } = entrance;
    let about = match publishes {
        Some(service) => format!("# service {service}, port {port}"),
        None => format!("# load balancer {load_balancer}, port {port}"),
    };
    let trust = trust(authority);
    match protocol {
        ListenerProtocol::Http => format!("  curl http://{address}/    {about}"),
        ListenerProtocol::Https => format!("  curl{trust} https://{address}/    {about}"),
        ListenerProtocol::Tcp => format!("  {address}    {about} (tcp)"),
        ListenerProtocol::Tls => format!("  {address}    {about} (tls)"),
    }
}

fn commands_for(task: &TaskAddress, prefix: &str, authority: Option<&Path>) -> Vec<String> {
    let name = &task.task;
    let mut lines: Vec<String> = Vec::new();
    for (port, address) in &task.ingress {
        lines.push(if task.tcp.contains(port) {
            format!("  {address}    # {name}, port {port} (tcp)")
        } else if task.tls.contains(port) {
            format!(
                "  {prefix}curl{} https://{address}/    # {name}, port {port}",
                trust(authority)
            )
        } else {
            format!("  {prefix}curl http://{address}/    # {name}, port {port}")
        });
    }
    if lines.is_empty() {
        let applications = task.applications.iter();
        lines.extend(
            applications.map(|address| format!("  {prefix}curl http://{address}/    # {name}, without an Envoy")),
        );
    }
    lines
}

/// curl's option to trust the development authority.
fn trust(authority: Option<&Path>) -> String {
    authority.map_or_else(String::new, |file| format!(" --cacert {}", file.display()))
}

/// The beginning of a command that runs in the namespaces of process `pid`.
fn enter(pid: u32) -> String {
    let user = if is_in_user_namespace() {
        " --user --preserve-credentials"
    } else {
        ""
    };
    format!("nsenter --target {pid}{user}")
}

/// The words before a command that runs in the network and mount namespaces of process `pid`.
pub(crate) fn enter_namespaces(pid: u32) -> Vec<String> {
    let enter = enter(pid);
    let words = enter.split(' ').chain(["--net", "--mount", "--"]);
    words.map(str::to_owned).collect()
}

/// Whether this program runs in a user namespace, which a caller from outside has to enter first. The initial user
/// namespace maps every id to itself.
fn is_in_user_namespace() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    map.split_whitespace().ne(["0", "0", "4294967295"])
}
