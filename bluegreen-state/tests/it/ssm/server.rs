//! The servers that stand in for AWS, started when the first test needs one and stopped after the last.

use std::fs::{self, File};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use pinned_tools::{PythonTools, Surroundings};
use tempfile::TempDir;

/// Python has to start and import some hundred modules, on a machine that may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which of the two.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    MiniStack,
    Moto,
}

/// A server that runs for as long as somebody has it.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    /// Where it keeps files, and its log.
    _folder: TempDir,
}

impl Server {
    /// The server of this kind: one for all tests that run at the same time.
    pub(crate) fn of(kind: Kind) -> Arc<Self> {
        static RUNNING: [Mutex<Weak<Server>>; 2] = [Mutex::new(Weak::new()), Mutex::new(Weak::new())];
        // A test that failed to start one leaves nothing half done.
        let mut running = RUNNING[kind as usize].lock().unwrap_or_else(PoisonError::into_inner);
        running.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start(kind));
            *running = Arc::downgrade(&server);
            server
        })
    }

    fn start(kind: Kind) -> Self {
        let tools = PythonTools::install(&Surroundings::from_env(), &mut |step| eprintln!("{step}")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let log_path = folder.path().join("log");
        let log = File::create(&log_path).unwrap();
        let mut command: Command = match kind {
            Kind::MiniStack => {
                let mut command = tools.ministack();
                command.env("BIND_HOST", "127.0.0.1").env("GATEWAY_PORT", "0");
                command
            }
            Kind::Moto => {
                let mut command = tools.moto_server();
                command.args(["-H", "127.0.0.1", "-p", "0"]);
                command
            }
        };
        command
            .env("TMPDIR", folder.path())
            .env("PYTHONUNBUFFERED", "1")
            .current_dir(folder.path())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        let mut server = Self {
            child: command.spawn().unwrap(),
            address: String::new(),
            _folder: folder,
        };
        let started = Instant::now();
        loop {
            let log = fs::read_to_string(&log_path).unwrap();
            let address = log
                .lines()
                .filter_map(|line| line.split_once("Running on "))
                .find_map(|(_, rest)| rest.split_whitespace().next());
            if let Some(address) = address {
                address.clone_into(&mut server.address);
                return server;
            }
            let ended = server.child.try_wait().unwrap();
            assert!(ended.is_none(), "{kind:?} ended with {ended:?}:\n{log}");
            assert!(started.elapsed() < PATIENCE, "{kind:?} does not listen:\n{log}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already, and then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
