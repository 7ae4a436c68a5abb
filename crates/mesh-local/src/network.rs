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
//! - `iptables`: how connections come to Envoy, pure;
//! - `files`: what a task sees in place of the machine's files;
//! - `netns_init`: what the process does that holds a network, with `kernel` and `commands`;
//! - `netns_handle`: that process as the runner sees it;
//! - `setns`: sockets and calls of the runner in a task's network;
//! - `dns`: the names of the mesh;
//! - `mesh_network`: all that the tasks of one mesh share.

mod addresses;
mod commands;
mod dns;
mod files;
mod iptables;
#[cfg_attr(not(target_os = "linux"), path = "network/unsupported.rs")]
mod kernel;
mod mesh_network;
mod netns_handle;
mod netns_init;
mod preflight;
mod setns;
#[cfg(test)]
mod tests;

use std::io;

pub use self::addresses::AddressesExhausted;
pub(crate) use self::addresses::{AddressLease, BRIDGE};
#[cfg(test)]
pub(crate) use self::dns::DnsLookup;
pub(crate) use self::dns::DnsNames;
pub(crate) use self::files::{BOOTSTRAP, EnvoyDir, write as write_files};
pub(crate) use self::iptables::{IptablesRules, ServiceConnectRedirects};
pub(crate) use self::mesh_network::MeshNetwork;
pub(crate) use self::netns_handle::NetnsHandle;
pub(crate) use self::netns_init::{TaskNetnsSetup, run as run_netns_init};
pub use self::preflight::NamespacesUnavailable;
pub(crate) use self::preflight::check;
pub(crate) use self::setns::run_in_netns;

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
    kernel::setns_network(pid)?;
    kernel::setns_mounts(pid)
}

/// Makes this process another user's for good.
pub(crate) fn setuid(user: User) -> io::Result<()> {
    kernel::setuid(user)
}
