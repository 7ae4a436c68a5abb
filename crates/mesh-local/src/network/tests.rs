//! Tests with real network namespaces.
//!
//! They need what `preflight` checks, and fail with its message otherwise.

mod names;
mod teardown;
mod traffic;

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use testkit::wait_until_blocking;

use super::addresses::{AddressPool, BRIDGE};
use super::dns::DnsServer;
use super::netns_init::Mount;
use super::setns::NetnsRuntime;
use super::*;
use crate::launcher::Launcher;
use crate::process::{Process, Program};

/// Longer than any step takes on a slow machine.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A bridge, and a directory for the files of tasks.
struct TestMesh {
    bridge: NetnsHandle,
    pool: AddressPool,
    dir: TempDir,
}

/// A task's network namespace.
struct TestTask {
    netns: NetnsHandle,
    address: AddressLease,
    files: PathBuf,
}

impl TestMesh {
    async fn start() -> Self {
        if let Err(unfit) = check() {
            panic!("{unfit}");
        }
        let bridge = NetnsHandle::of_bridge(&launcher()).await.expect("a bridge");
        let dir = tempfile::Builder::new()
            .prefix("mw")
            .tempdir_in("/tmp")
            .expect("a directory");
        std::fs::set_permissions(dir.path(), Permissions::from_mode(0o711)).expect("it is ours");
        Self {
            bridge,
            pool: AddressPool::of_tasks(),
            dir,
        }
    }

    async fn task(&self, rules: &IptablesRules, names: &[(Ipv4Addr, String)], mounts: Vec<Mount>) -> TestTask {
        let address = self.pool.allocate().expect("a free address");
        self.task_at(address, rules, names, mounts).await
    }

    async fn task_at(
        &self,
        address: AddressLease,
        rules: &IptablesRules,
        names: &[(Ipv4Addr, String)],
        mounts: Vec<Mount>,
    ) -> TestTask {
        let files = self.dir.path().join(address.address().to_string());
        std::fs::create_dir_all(&files).expect("the directory is ours");
        // Mounts need no permission on the source directory.
        std::fs::set_permissions(&files, Permissions::from_mode(0o700)).expect("it is ours");
        let mut all = write_files(&files, address.address(), names).expect("the directory is ours");
        all.extend(mounts);
        let setup = TaskNetnsSetup {
            bridge: self.bridge.pid(),
            address: address.address(),
            rules: rules.to_restore(),
            mounts: all,
        };
        let netns = NetnsHandle::of_task(setup, &launcher()).await.expect("a network");
        TestTask { netns, address, files }
    }

    fn links(&self) -> BTreeSet<String> {
        links(self.bridge.pid())
    }
}

impl TestTask {
    fn launcher(&self) -> Launcher {
        launcher().in_netns(self.netns.pid())
    }

    fn at(&self, port: u16) -> SocketAddr {
        (self.address.address(), port).into()
    }

    /// Listens inside the task, on all addresses.
    fn listen(&self, port: u16) -> TcpListener {
        run_in_netns(self.netns.pid(), || TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))).expect("the port is free")
    }

    /// Connects to an address from inside the task, as this user.
    fn call(&self, address: SocketAddr) -> io::Result<TcpStream> {
        run_in_netns(self.netns.pid(), || TcpStream::connect_timeout(&address, TIMEOUT))
    }

    /// Runs a program inside the task; returns whether it succeeded, and its output.
    async fn run(&self, launcher: &Launcher, line: &[&str]) -> (bool, String) {
        let log = self.files.join("log");
        let _before = std::fs::remove_file(&log);
        let program = Program {
            command_line: line.iter().map(Into::into).collect(),
            environment: crate::environment::inherited(),
            log: log.clone(),
        };
        let mut process = Process::start(program, launcher).expect("it can be started");
        let ended = tokio::time::timeout(TIMEOUT, process.ended()).await;
        let status = ended.expect("it ends in time").expect("it is our child");
        (status.success(), std::fs::read_to_string(&log).expect("it is there"))
    }
}

/// Launches child processes through the example `run_template`, which Cargo builds for the tests of this crate.
fn launcher() -> Launcher {
    let tests = std::env::current_exe().expect("a test is a program");
    let built = tests.ancestors().nth(2).expect("it is in a directory for tests");
    let host = built.join("examples/run_template");
    let missing = "is missing: run all tests of this package, or `cargo build -p mesh-local --example run_template`";
    assert!(host.exists(), "{} {missing}", host.display());
    Launcher::new([host.into_os_string(), "__launch".into()])
}

fn links(pid: u32) -> BTreeSet<String> {
    // Of this thread's network namespace; /sys shows that of its mounter.
    let table = run_in_netns(pid, || std::fs::read_to_string("/proc/thread-self/net/dev")).expect("it can be entered");
    let names = table
        .lines()
        .filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned()));
    names.collect()
}

/// The source address of the next connection to this listener.
fn accept_from(listener: &TcpListener) -> IpAddr {
    listener.set_nonblocking(true).expect("it is a socket");
    let mut from = None;
    wait_until_blocking("a connection", || {
        from = listener.accept().ok().map(|(_, from)| from.ip());
        from.is_some()
    });
    from.expect("it has arrived")
}

/// Polls a condition outside this process. Blocks the thread, as nothing in this process is awaited.
fn is_gone(pid: u32) -> bool {
    // A process that is not reaped yet has no namespaces any more.
    std::fs::read_link(format!("/proc/{pid}/ns/net")).is_err()
}
