//! A task's network of its own, as far as it is the same in all lives of the task: its address, its names, and the
//! rules by which connections come to its Envoy.

use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::interception::InterceptionSetup;
use crate::launcher::Launcher;
use crate::network::{
    AddressLease, EnvoyDir, IptablesRules, MeshNetwork, NetnsHandle, TaskNetnsSetup, User, write_files,
};
use crate::process::ProcessExit;

/// A task's network of its own.
#[derive(Debug)]
pub(crate) struct SlotNetns {
    address: AddressLease,
    /// Whether its applications' calls are led to its Envoy, rather than made to it.
    pub(super) is_intercepted: bool,
    rules: IptablesRules,
    /// What its `/etc/hosts` has beside itself.
    pub(super) hosts: Vec<(Ipv4Addr, String)>,
    /// Its Envoy's folder and whom it runs as, if it has an Envoy.
    envoy: Option<(EnvoyDir, User)>,
    /// The process that holds it in this life; 0 between two lives.
    holder: AtomicU32,
}

/// The network of one life of a task. It goes when this is dropped and the last process in it has ended.
#[derive(Debug)]
pub(crate) struct EnteredNetns<'a> {
    network: &'a SlotNetns,
    pid: u32,
    /// `None` once it was told to leave.
    holder: Option<NetnsHandle>,
}

impl SlotNetns {
    /// Takes an address for it, and makes the folder of its Envoy.
    ///
    /// # Errors
    ///
    /// If no address is left, or Envoy cannot have its folder.
    pub(super) fn new(
        mesh: &MeshNetwork,
        redirection: Option<&InterceptionSetup>,
        hosts: Vec<(Ipv4Addr, String)>,
        folder: PathBuf,
    ) -> io::Result<Self> {
        let address = mesh.address().map_err(io::Error::other)?;
        if let Some(mesh_name) = redirection.and_then(|redirection| redirection.mesh.as_ref()) {
            mesh.names().set_caller(address.address(), mesh_name);
        }
        Ok(Self {
            address,
            is_intercepted: redirection.is_some_and(|redirection| redirection.is_intercepted),
            rules: redirection.map_or_else(IptablesRules::default, |redirection| redirection.rules.clone()),
            hosts,
            envoy: match redirection {
                Some(redirection) => Some((EnvoyDir::create(folder, redirection.user)?, redirection.user)),
                None => None,
            },
            holder: AtomicU32::new(0),
        })
    }

    pub(super) fn address(&self) -> Ipv4Addr {
        self.address.address()
    }

    /// Makes the network anew, with files in `folder`. `executable` is the machine's Envoy.
    ///
    /// # Errors
    ///
    /// If the machine refuses; the error says what it refused.
    pub(crate) async fn enter(
        &self,
        bridge: u32,
        folder: &Path,
        executable: &Path,
        launcher: &Launcher,
    ) -> io::Result<EnteredNetns<'_>> {
        let address = self.address.address();
        let mut mounts = write_files(folder, address, &self.hosts)?;
        if let Some((own, _)) = &self.envoy {
            mounts.extend(own.mounts(executable, folder)?);
        }
        let setup = TaskNetnsSetup {
            bridge,
            address,
            rules: self.rules.to_restore(),
            mounts,
        };
        let holder = NetnsHandle::of_task(setup, launcher).await?;
        self.holder.store(holder.pid(), Ordering::Relaxed);
        Ok(EnteredNetns {
            network: self,
            pid: holder.pid(),
            holder: Some(holder),
        })
    }

    /// The process that holds it, while the task lives.
    pub(crate) fn holder(&self) -> Option<u32> {
        Some(self.holder.load(Ordering::Relaxed)).filter(|pid| *pid != 0)
    }

    /// Its Envoy's folder and whom it runs as, if it has an Envoy.
    pub(crate) fn envoy(&self) -> Option<(&EnvoyDir, User)> {
        self.envoy.as_ref().map(|(folder, user)| (folder, *user))
    }
}

impl EnteredNetns<'_> {
    /// The process that holds it.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until the holder has ended, although nobody asked it to, and says how. Cancelling this loses nothing.
    pub(crate) async fn lost(&self) -> ProcessExit {
        match &self.holder {
            Some(holder) => ProcessExit::new(holder.ended().await),
            None => std::future::pending().await,
        }
    }

    /// Takes the network away, so that the next life can have the same address, also from what still runs in it.
    pub(crate) async fn leave(mut self) {
        if let Some(holder) = self.holder.take() {
            holder.end().await;
        }
    }
}

impl Drop for EnteredNetns<'_> {
    fn drop(&mut self) {
        self.network.holder.store(0, Ordering::Relaxed);
    }
}
