//! A network of its own for every task, as tasks have on AWS.
//!
//! ```text
//!   network of the bridge            networks of tasks
//!   ┌──────────────────────┐  veth  ┌──────────────────────────────────────────────┐
//!   │ mesh0 10.77.0.1      ├────────┤ eth0 10.77.0.2   iptables: 80 → Envoy → app  │
//!   │   DNS, control plane ├─────┐  └──────────────────────────────────────────────┘
//!   └──────────────────────┘     │  ┌──────────────────────────────────────────────┐
//!                                └──┤ eth0 10.77.0.3                               │
//!                                   └──────────────────────────────────────────────┘
//! ```
//!
//! All of it exists only as long as the processes in it: the machine's own network is neither changed nor reachable
//! from inside. Tasks have IPv4 only, and no way to the internet.
//!
//! Reading order:
//! - `preflight`: whether this machine can do it;
//! - `addresses`: whose address is which, pure;
//! - `rules`: how connections come to Envoy, pure;
//! - `files`: what a task sees in place of the machine's files;
//! - `hold`: what the process does that holds a network, with `kernel` and `tools`;
//! - `holder`: that process as the runner sees it;
//! - `inside`: sockets and calls of the runner in a task's network;
//! - `dns`: the names of the mesh;
//! - `mesh_network`: all that the tasks of one mesh share.

mod addresses;
mod dns;
mod files;
mod hold;
mod holder;
mod inside;
#[cfg_attr(not(target_os = "linux"), path = "network/elsewhere.rs")]
mod kernel;
mod mesh_network;
mod preflight;
mod rules;
#[cfg(test)]
mod tests;
mod tools;

use std::io;

pub use self::addresses::Exhausted;
pub(crate) use self::addresses::{BRIDGE, Lease};
#[cfg(test)]
pub(crate) use self::dns::Finding;
pub(crate) use self::dns::Names;
pub(crate) use self::files::{BOOTSTRAP, ProxyFolder, write as write_files};
pub(crate) use self::hold::{TaskSetup, hold};
pub(crate) use self::holder::Holder;
pub(crate) use self::inside::inside;
pub(crate) use self::mesh_network::MeshNetwork;
pub use self::preflight::Unfit;
pub(crate) use self::preflight::check;
pub(crate) use self::rules::{Rules, ServiceConnect};

/// Where the tasks of a mesh are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    /// All share the machine's loopback address and are told apart by port. Services connect to their Envoys in explicit
    /// wiring. Works everywhere, and needs no privilege.
    #[default]
    Shared,
    /// Each has a network of its own, as on AWS: an address, names, and rules that lead connections to its Envoy. Linux
    /// only, as root or in a user namespace. Envoy runs as the user that the template's `IgnoredUID` names, by default
    /// 1337, whoever that is on this machine: that user can read what Envoys write there, and signal them.
    Namespaces,
}

/// A user and group, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) id: u32,
    pub(crate) group: u32,
}

/// Whom Envoy runs as, so that rules can tell its connections from the applications'. The user of App Mesh's image.
pub(crate) const ENVOY: User = User { id: 1337, group: 1337 };

/// Enters the network and the mounts that the process `pid` holds, with all that this process becomes. It must not
/// have other threads that expect to stay together with this one.
pub(crate) fn enter(pid: u32) -> io::Result<()> {
    kernel::enter_network(pid)?;
    kernel::enter_mounts(pid)
}

/// Makes this process another user's for good.
pub(crate) fn become_user(user: User) -> io::Result<()> {
    kernel::become_user(user)
}
