//! Real networks, as tests make and use them.
//!
//! Needs what `preflight` asks for, and says so if it is not there.

mod names;
mod teardown;
mod traffic;

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::addresses::{AddressPool, BRIDGE};
use super::dns::DnsServer;
use super::netns_init::Mount;
use super::setns::NetnsRuntime;
use super::*;
use crate::launcher::Launcher;
use crate::process::{Process, Program};

/// Longer than anything here takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A bridge and where to put the files of tasks.
struct Mesh {
    bridge: NetnsHandle,
    pool: AddressPool,
    folder: TempDir,
}

/// A task's network.
struct Place {
    holder: NetnsHandle,
    address: AddressLease,
    files: PathBuf,
}

impl Mesh {
    async fn start() -> Self {
        if let Err(unfit) = check() {
            panic!("{unfit}");
        }
        let bridge = NetnsHandle::of_bridge(&launcher()).await.expect("a bridge");
        let folder = tempfile::Builder::new()
            .prefix("mw")
            .tempdir_in("/tmp")
            .expect("a folder");
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).expect("it is ours");
        Self {
            bridge,
            pool: AddressPool::of_tasks(),
            folder,
        }
    }

    async fn task(&self, rules: &IptablesRules, names: &[(Ipv4Addr, String)], mounts: Vec<Mount>) -> Place {
        let address = self.pool.allocate().expect("a free address");
        self.task_at(address, rules, names, mounts).await
    }

    async fn task_at(
        &self,
        address: AddressLease,
        rules: &IptablesRules,
        names: &[(Ipv4Addr, String)],
        mounts: Vec<Mount>,
    ) -> Place {
        let files = self.folder.path().join(address.address().to_string());
        std::fs::create_dir_all(&files).expect("the folder is ours");
        // Tasks see their files although nobody but the runner can enter the folder.
        std::fs::set_permissions(&files, Permissions::from_mode(0o700)).expect("it is ours");
        let mut all = write_files(&files, address.address(), names).expect("the folder is ours");
        all.extend(mounts);
        let setup = TaskNetnsSetup {
            bridge: self.bridge.pid(),
            address: address.address(),
            rules: rules.to_restore(),
            mounts: all,
        };
        let holder = NetnsHandle::of_task(setup, &launcher()).await.expect("a network");
        Place { holder, address, files }
    }

    fn links(&self) -> BTreeSet<String> {
        links(self.bridge.pid())
    }
}

impl Place {
    fn launcher(&self) -> Launcher {
        launcher().in_netns(self.holder.pid())
    }

    fn at(&self, port: u16) -> SocketAddr {
        (self.address.address(), port).into()
    }

    /// Listens inside the task, on all its addresses.
    fn listen(&self, port: u16) -> TcpListener {
        run_in_netns(self.holder.pid(), || TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)))
            .expect("nobody else listens")
    }

    /// Calls somebody from inside the task, as this user.
    fn call(&self, address: SocketAddr) -> io::Result<TcpStream> {
        run_in_netns(self.holder.pid(), || TcpStream::connect_timeout(&address, PATIENCE))
    }

    /// What a program prints inside the task, and whether it succeeded.
    async fn run(&self, launcher: &Launcher, line: &[&str]) -> (bool, String) {
        let log = self.files.join("log");
        let _before = std::fs::remove_file(&log);
        let program = Program {
            command_line: line.iter().map(Into::into).collect(),
            environment: crate::environment::inherited(),
            log: log.clone(),
        };
        let mut process = Process::start(program, launcher).expect("it can be started");
        let ended = tokio::time::timeout(PATIENCE, process.ended()).await;
        let status = ended.expect("it ends in time").expect("it is our child");
        (status.success(), std::fs::read_to_string(&log).expect("it is there"))
    }
}

/// Starts children through the example `children`, which Cargo builds for the tests of this crate.
fn launcher() -> Launcher {
    let tests = std::env::current_exe().expect("a test is a program");
    let built = tests.ancestors().nth(2).expect("it lies in a folder for tests");
    let host = built.join("examples/children");
    let missing = "is missing: run all tests of this package, or `cargo build -p mesh-local --example children`";
    assert!(host.exists(), "{} {missing}", host.display());
    Launcher::new([host])
}

fn links(pid: u32) -> BTreeSet<String> {
    // Of this thread's network, whereas /sys shows that of whoever mounted it.
    let table = run_in_netns(pid, || std::fs::read_to_string("/proc/thread-self/net/dev")).expect("it can be entered");
    let names = table
        .lines()
        .filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned()));
    names.collect()
}

/// Whom a connection that this listener takes comes from, within the test's patience.
fn accepted(listener: &TcpListener) -> IpAddr {
    listener.set_nonblocking(true).expect("it is a socket");
    let mut from = None;
    eventually("a connection", || {
        from = listener.accept().ok().map(|(_, from)| from.ip());
        from.is_some()
    });
    from.expect("it was awaited")
}

/// Blocks, as nothing that is waited for here runs in this process.
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn is_gone(pid: u32) -> bool {
    // What nobody waits for yet has no namespaces any more.
    std::fs::read_link(format!("/proc/{pid}/ns/net")).is_err()
}
