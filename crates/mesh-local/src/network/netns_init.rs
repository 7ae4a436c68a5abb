//! What a holder does: it makes a network, says so, and sleeps until it is killed.
//!
//! A namespace lives as long as a process is in it, and holders die with the runner (see [`crate::launcher`]). So the
//! kernel removes namespaces, with their links, rules and mounts, whatever becomes of the runner; nothing of them has
//! a name outside.
//!
//! | holder | has |
//! |---|---|
//! | bridge | a network with the bridge `mesh0`, the tasks' router |
//! | task | a network with `eth0`, a veth into the bridge, and mounts; ECS calls its holder the pause container |

use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::addresses::{BRIDGE, TASKS};
use super::commands::ip;
use super::{commands, kernel, run_in_netns};

/// What a holder prints when its network is complete.
pub(super) const READY: &str = "ready";
const NAME: &str = "mesh0";

/// What a holder is to make.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum NetnsSetup {
    /// The network between all tasks.
    Bridge,
    /// One task's.
    Task(TaskNetnsSetup),
}

/// One task's network and files.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TaskNetnsSetup {
    /// The process that holds the bridge.
    pub(crate) bridge: u32,
    /// The task's address.
    pub(crate) address: Ipv4Addr,
    /// What `iptables-restore` is to read, if anything.
    pub(crate) rules: Option<String>,
    /// What the task sees in place of the machine's files.
    pub(crate) mounts: Vec<Mount>,
}

/// A file or folder that is mounted over another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mount {
    /// What is seen.
    pub(crate) file: PathBuf,
    /// Where it is seen. Exists.
    pub(crate) over: PathBuf,
}

/// Makes what `setup` says, a [`NetnsSetup`] in JSON, and holds it until this process is killed. Returns only if that
/// fails; the error was then printed to standard output, for the runner.
pub(crate) fn run(setup: &str) -> io::Error {
    let made = serde_json::from_str(setup)
        .map_err(io::Error::from)
        .and_then(|setup| match setup {
            NetnsSetup::Bridge => bridge(),
            NetnsSetup::Task(setup) => task(&setup),
        });
    let mut out = io::stdout();
    let told = match &made {
        Ok(()) => writeln!(out, "{READY}"),
        Err(error) => writeln!(out, "{error}"),
    };
    match made.and(told) {
        Ok(()) => loop {
            // It may wake up without a reason.
            std::thread::park();
        },
        Err(error) => error,
    }
}

fn bridge() -> io::Result<()> {
    kernel::unshare_network()?;
    ip("link set lo up")?;
    // With an address of its own: it would otherwise take over the lowest of its ports', and tasks would look for it
    // in vain at the old one whenever a task begins or ends.
    ip(&format!(
        "link add {NAME} address {} type bridge",
        hardware_address(BRIDGE)
    ))?;
    ip(&format!("address add {BRIDGE}/{} dev {NAME}", TASKS.prefix_len()))?;
    ip(&format!("link set {NAME} up"))?;
    // A router without a way out answers that there is none, and a host does not answer at all: whoever calls an
    // address that is nobody's would wait for minutes. Where containers may not change settings, they do.
    let _read_only = std::fs::write(format!("/proc/sys/net/ipv4/conf/{NAME}/forwarding"), "1");
    Ok(())
}

fn task(setup: &TaskNetnsSetup) -> io::Result<()> {
    let (pid, address) = (std::process::id(), setup.address);
    kernel::unshare_network()?;
    // Made at the bridge's end, as only that end knows the other. No two processes have the same number.
    run_in_netns(setup.bridge, || {
        ip(&format!(
            "link add name {} up master {NAME} type veth peer name eth0 address {} netns {pid}",
            veth_name(pid),
            hardware_address(address)
        ))
    })?;
    ip("link set lo up")?;
    ip(&format!("address add {address}/{} dev eth0", TASKS.prefix_len()))?;
    ip("link set eth0 up")?;
    ip(&format!("route add default via {BRIDGE}"))?;
    if let Some(rules) = &setup.rules {
        commands::restore(rules)?;
    }
    kernel::unshare_mounts()?;
    for mount in &setup.mounts {
        kernel::bind(&mount.file, &mount.over)?;
    }
    Ok(())
}

/// Takes away the veth between the bridge and the task whose network the process `task` holds, and with it the task's
/// `eth0`: what left its process group, and so outlives the task, does not keep the task's address.
pub(super) fn delete_veth(bridge: u32, task: u32) -> io::Result<()> {
    run_in_netns(bridge, || ip(&format!("link delete {}", veth_name(task))))
}

/// The bridge's end of a task's veth.
fn veth_name(task: u32) -> String {
    format!("task{task}")
}

/// The same for the same address: a task that gets one that was another's is reached at once by those who remember it.
fn hardware_address(address: Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    // The 2 says that no manufacturer gave it out.
    format!("02:00:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}
