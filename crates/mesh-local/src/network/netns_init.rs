//! The init process of a network namespace: creates the namespace, reports readiness, and sleeps until it is killed.
//!
//! A namespace exists as long as a process is in it, and init processes die with the runner (see [`crate::launcher`]).
//! So the kernel removes namespaces, with their links, rules and mounts, however the runner ends. They have no names
//! outside.
//!
//! | init process of | contents |
//! |---|---|
//! | the bridge | a network namespace with the bridge `mesh0`, the tasks' router |
//! | a task | a network namespace with `eth0`, a veth link to the bridge, and mounts; ECS calls this the pause container |

use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::addresses::{BRIDGE, TASKS};
use super::commands::ip;
use super::{commands, kernel, run_in_netns};

/// Printed once the namespace is complete.
pub(super) const READY: &str = "ready";
const NAME: &str = "mesh0";

/// The namespace to create.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum NetnsSetup {
    /// The network between all tasks.
    Bridge,
    /// The network of one task.
    Task(TaskNetnsSetup),
}

/// The network and files of one task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TaskNetnsSetup {
    /// The init process of the bridge's namespace.
    pub(crate) bridge: u32,
    /// The task's address.
    pub(crate) address: Ipv4Addr,
    /// Input of `iptables-restore`, if any.
    pub(crate) rules: Option<String>,
    /// Files that replace the machine's.
    pub(crate) mounts: Vec<Mount>,
}

/// A bind mount of a file or directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mount {
    /// The source.
    pub(crate) file: PathBuf,
    /// The target. Exists.
    pub(crate) over: PathBuf,
}

/// Creates the namespace described by `setup`, a [`NetnsSetup`] in JSON, and keeps it until this process is killed.
/// Returns only on failure, after printing the error to standard output for the runner.
pub(crate) fn run(setup: &str) -> io::Error {
    let result = serde_json::from_str(setup)
        .map_err(io::Error::from)
        .and_then(|setup| match setup {
            NetnsSetup::Bridge => bridge(),
            NetnsSetup::Task(setup) => task(&setup),
        });
    let mut out = io::stdout();
    let printed = match &result {
        Ok(()) => writeln!(out, "{READY}"),
        Err(error) => writeln!(out, "{error}"),
    };
    match result.and(printed) {
        Ok(()) => loop {
            // `park` may return spuriously.
            std::thread::park();
        },
        Err(error) => error,
    }
}

fn bridge() -> io::Result<()> {
    kernel::unshare_network()?;
    ip("link set lo up")?;
    // With a MAC address of its own: it would otherwise take over the lowest of its ports', which changes with tasks,
    // and invalidate their ARP caches.
    ip(&format!("link add {NAME} address {} type bridge", mac_address(BRIDGE)))?;
    ip(&format!("address add {BRIDGE}/{} dev {NAME}", TASKS.prefix_len()))?;
    ip(&format!("link set {NAME} up"))?;
    // A router without a route responds with an ICMP error, and a host does not respond at all: calls to unused
    // addresses would hang for minutes. Containers may have a read-only /proc/sys; there they hang.
    let _read_only = std::fs::write(format!("/proc/sys/net/ipv4/conf/{NAME}/forwarding"), "1");
    Ok(())
}

fn task(setup: &TaskNetnsSetup) -> io::Result<()> {
    let (pid, address) = (std::process::id(), setup.address);
    kernel::unshare_network()?;
    // Created at the bridge's end, the only one that can reach the other. The process id makes the name unique.
    run_in_netns(setup.bridge, || {
        ip(&format!(
            "link add name {} up master {NAME} type veth peer name eth0 address {} netns {pid}",
            veth_name(pid),
            mac_address(address)
        ))
    })?;
    ip("link set lo up")?;
    ip(&format!("address add {address}/{} dev eth0", TASKS.prefix_len()))?;
    ip("link set eth0 up")?;
    ip(&format!("route add default via {BRIDGE}"))?;
    // As in Docker: Envoy and other users without privileges may listen on ports below 1024. With a read-only /proc/sys,
    // they may not, and say so themselves.
    let _read_only = std::fs::write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
    if let Some(rules) = &setup.rules {
        commands::restore(rules)?;
    }
    kernel::unshare_mounts()?;
    for mount in &setup.mounts {
        kernel::bind_mount(&mount.file, &mount.over)?;
    }
    Ok(())
}

/// Deletes the veth link between the bridge and a task with init process `task`, and with it the task's `eth0`: a
/// process that left its process group, and so outlives the task, must not keep the task's address.
pub(super) fn delete_veth(bridge: u32, task: u32) -> io::Result<()> {
    run_in_netns(bridge, || ip(&format!("link delete {}", veth_name(task))))
}

/// The name of the bridge's end of a task's link.
fn veth_name(task: u32) -> String {
    format!("task{task}")
}

/// A MAC address derived from the IP address: ARP caches stay valid when a task takes over the address of another.
fn mac_address(address: Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    // The 2 marks a locally administered address.
    format!("02:00:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}
