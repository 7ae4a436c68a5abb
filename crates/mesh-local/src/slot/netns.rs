//! The network namespace of a task slot, as far as it is constant across restarts: address, host names, and iptables
//! rules.

use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use mesh_control::access::Claims;
use mesh_control::{Identity, TokenKeys, token_secret};

use super::interception::InterceptionSetup;
use crate::launcher::Launcher;
use crate::network::{
    AddressLease, EnvoyDir, IptablesRules, MeshNetwork, NetnsHandle, TaskNetnsSetup, User, write_files,
};
use crate::process::ProcessExit;

/// Validity of a token. Its key ends with this process.
const TOKEN_LIFE: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// The network namespace of a task slot.
#[derive(Debug)]
pub(crate) struct SlotNetns {
    address: AddressLease,
    /// Whether its applications' calls are intercepted, rather than sent to Envoy explicitly.
    pub(super) is_transparent_proxy: bool,
    rules: IptablesRules,
    /// Additional entries of its `/etc/hosts`.
    pub(super) hosts: Vec<(Ipv4Addr, String)>,
    /// The directory and user of its Envoy, if it has one.
    envoy: Option<(EnvoyDir, User)>,
    /// The init process of the current run; 0 between two runs.
    init_pid: AtomicU32,
}

/// The namespace of one task run. It ends when this is dropped and its last process has ended.
#[derive(Debug)]
pub(crate) struct EnteredNetns<'a> {
    network: &'a SlotNetns,
    pid: u32,
    /// `None` once it was left.
    handle: Option<NetnsHandle>,
}

impl SlotNetns {
    /// Allocates its address, and creates the directory of its Envoy.
    ///
    /// # Errors
    ///
    /// If no address is left, or the directory cannot be created.
    pub(super) fn new(
        mesh: &MeshNetwork,
        interception: Option<&InterceptionSetup>,
        hosts: Vec<(Ipv4Addr, String)>,
        dir: PathBuf,
        node_id: Option<&str>,
    ) -> io::Result<Self> {
        let address = mesh.allocate_address().map_err(io::Error::other)?;
        if let Some((mesh_name, node)) = interception.and_then(|interception| interception.node.as_ref()) {
            mesh.names().set_client(address.address(), mesh_name, node);
        }
        Ok(Self {
            address,
            is_transparent_proxy: interception.is_some_and(|interception| interception.is_transparent_proxy),
            rules: interception.map_or_else(IptablesRules::default, |interception| interception.rules.clone()),
            hosts,
            envoy: match interception {
                Some(interception) => {
                    let token = node_id.map(|id| xds_token(mesh.tokens(), id)).transpose()?;
                    let dir = EnvoyDir::create(dir, interception.user, token.as_deref())?;
                    Some((dir, interception.user))
                }
                None => None,
            },
            init_pid: AtomicU32::new(0),
        })
    }

    pub(super) fn address(&self) -> Ipv4Addr {
        self.address.address()
    }

    /// Creates the namespace, with files in `dir`. `executable` is the machine's Envoy.
    ///
    /// # Errors
    ///
    /// If the namespace cannot be created.
    pub(crate) async fn enter(
        &self,
        bridge: u32,
        dir: &Path,
        executable: &Path,
        launcher: &Launcher,
    ) -> io::Result<EnteredNetns<'_>> {
        let address = self.address.address();
        let mut mounts = write_files(dir, address, &self.hosts)?;
        if let Some((envoy_dir, _)) = &self.envoy {
            mounts.extend(envoy_dir.mounts(executable, dir)?);
        }
        let setup = TaskNetnsSetup {
            bridge,
            address,
            rules: self.rules.to_restore(),
            mounts,
        };
        let handle = NetnsHandle::of_task(setup, launcher).await?;
        self.init_pid.store(handle.pid(), Ordering::Relaxed);
        Ok(EnteredNetns {
            network: self,
            pid: handle.pid(),
            handle: Some(handle),
        })
    }

    /// Its init process, while the task runs.
    pub(crate) fn init_pid(&self) -> Option<u32> {
        Some(self.init_pid.load(Ordering::Relaxed)).filter(|pid| *pid != 0)
    }

    /// The directory and user of its Envoy, if it has one.
    pub(crate) fn envoy(&self) -> Option<(&EnvoyDir, User)> {
        self.envoy.as_ref().map(|(dir, user)| (dir, *user))
    }
}

/// The file with a token for this node, which is valid for as long as the keys are.
fn xds_token(keys: &TokenKeys, node_id: &str) -> io::Result<String> {
    let node = Identity::parse(node_id).map_err(io::Error::other)?;
    let claims = Claims {
        subject: node_id.to_owned(),
        nodes: vec![node.into()],
        expires: SystemTime::now() + TOKEN_LIFE,
    };
    Ok(token_secret(&keys.issue(&claims)))
}

impl EnteredNetns<'_> {
    /// Its init process.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits for an unexpected end of the init process. Cancelling this loses nothing.
    pub(crate) async fn lost(&self) -> ProcessExit {
        match &self.handle {
            Some(handle) => ProcessExit::new(handle.ended().await),
            None => std::future::pending().await,
        }
    }

    /// Removes the namespace, even if programs still run in it, so that the next run can use the same address.
    pub(crate) async fn leave(mut self) {
        if let Some(handle) = self.handle.take() {
            handle.end().await;
        }
    }
}

impl Drop for EnteredNetns<'_> {
    fn drop(&mut self) {
        self.network.init_pid.store(0, Ordering::Relaxed);
    }
}
