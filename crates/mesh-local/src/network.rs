//! A network namespace for every task, as on AWS Fargate.
//!
//! ```text
//!   bridge's namespace               tasks' namespaces
//!   ┌──────────────────────┐  veth  ┌──────────────────────────────────────────────┐
//!   │ mesh0 10.77.0.1      ├────────┤ eth0 10.77.0.2   iptables: 80 → Envoy → app  │
//!   │   DNS, control plane ├─────┐  └──────────────────────────────────────────────┘
//!   └──────────────────────┘     │  ┌──────────────────────────────────────────────┐
//!                                └──┤ eth0 10.77.0.3                               │
//!                                   └──────────────────────────────────────────────┘
//! ```
//!
//! Namespaces exist only as long as the processes in them; the machine's own network is neither changed nor reachable
//! from inside. Tasks have IPv4 only, and no route to the internet.
//!
//! Reading order:
//! - `preflight`: checks the prerequisites;
//! - `addresses`: address allocation, pure;
//! - `iptables`: iptables rules for traffic interception, pure;
//! - `files`: files mounted over the machine's, and Envoy's directory;
//! - `netns_init`: the init process of a namespace, with `kernel` (system calls) and `commands` (`ip`, `iptables-restore`);
//! - `netns_handle`: a handle of a namespace and its init process;
//! - `setns`: sockets and calls of this process in a task's namespace;
//! - `dns`: the DNS server for tasks;
//! - `mesh_network`: the network between the tasks of a mesh.

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
pub(crate) use self::dns::{DnsInstance, DnsNames, MAX_TTL, MIN_TTL};
#[cfg(test)]
pub(crate) use self::dns::{DnsLookup, DnsRecord, DnsType};
pub(crate) use self::files::{BOOTSTRAP, EnvoyDir, write as write_files};
pub(crate) use self::iptables::{IptablesRules, ServiceConnectRedirects};
pub(crate) use self::mesh_network::MeshNetwork;
pub(crate) use self::netns_handle::NetnsHandle;
pub(crate) use self::netns_init::{TaskNetnsSetup, run as run_netns_init};
pub use self::preflight::NamespacesUnavailable;
pub(crate) use self::preflight::check;
pub(crate) use self::setns::run_in_netns;

/// The network mode of a mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    /// All tasks share the machine's loopback address and differ by port. Services use explicit proxies. Works
    /// everywhere, without privileges.
    #[default]
    Shared,
    /// Each task has a network namespace, as on AWS: an address, DNS, and iptables rules that redirect connections to
    /// its Envoy. Linux only, as root or in a user namespace. Envoy runs as the template's `IgnoredUID`, by default
    /// 1337, whichever user that is on this machine: that user can read Envoy's files, and signal it.
    Namespaces,
}

impl Network {
    /// Checks whether this machine has what the network needs.
    ///
    /// # Errors
    ///
    /// Everything that is missing for [`Network::Namespaces`], with instructions.
    pub fn check(self) -> Result<(), NamespacesUnavailable> {
        match self {
            Self::Shared => Ok(()),
            Self::Namespaces => preflight::check(),
        }
    }
}

/// A numeric user and group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) id: u32,
    pub(crate) group: u32,
}

/// Envoy's user in App Mesh's image. iptables rules exclude its connections.
pub(crate) const ENVOY: User = User { id: 1337, group: 1337 };

/// Enters the network and mount namespaces of the process `pid`, permanently. This process must have a single thread.
pub(crate) fn enter(pid: u32) -> io::Result<()> {
    kernel::setns_network(pid)?;
    kernel::setns_mounts(pid)
}

/// Changes the user of this process, permanently.
pub(crate) fn setuid(user: User) -> io::Result<()> {
    kernel::setuid(user)
}
