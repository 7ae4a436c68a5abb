//! Emulators of AWS as child processes: MiniStack and moto.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::python_tools::PythonTools;

/// Python has to start and to import some hundred modules, on a machine that may be busy.
const START_TIMEOUT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A server on loopback. Killed on drop.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: String,
    /// Its files, if they are removed with it.
    dir: Option<TempDir>,
}

impl Server {
    /// Starts an empty MiniStack on a free port.
    ///
    /// # Errors
    ///
    /// If it does not start, with its output.
    pub fn ministack(tools: &PythonTools) -> io::Result<Self> {
        let mut command = tools.ministack();
        command.env("BIND_HOST", "127.0.0.1").env("GATEWAY_PORT", "0");
        Self::start_in_temp_dir(&mut command)
    }

    /// Starts an empty moto on a free port.
    ///
    /// # Errors
    ///
    /// If it does not start, with its output.
    pub fn moto(tools: &PythonTools) -> io::Result<Self> {
        let mut command = tools.moto_server();
        command.args(["-H", "127.0.0.1", "-p", "0"]);
        Self::start_in_temp_dir(&mut command)
    }

    fn start_in_temp_dir(command: &mut Command) -> io::Result<Self> {
        let dir = tempfile::tempdir()?;
        let mut server = Self::start(command, dir.path())?;
        server.dir = Some(dir);
        Ok(server)
    }

    /// One server for concurrent tests: started for the first and stopped after the last. `running` stores it.
    ///
    /// # Errors
    ///
    /// Those of `start`.
    pub fn shared(running: &Mutex<Weak<Self>>, start: impl FnOnce() -> io::Result<Self>) -> io::Result<Arc<Self>> {
        // A panic in `start` leaves the value unchanged.
        let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = running.upgrade() {
            return Ok(server);
        }
        let server = Arc::new(start()?);
        *running = Arc::downgrade(&server);
        Ok(server)
    }

    /// Starts a command that prints `Running on ADDRESS` once it listens, as both emulators do. Its files and its log
    /// are in `dir`.
    ///
    /// # Errors
    ///
    /// If it does not start, exits, or prints no address within a minute; with its output.
    pub fn start(command: &mut Command, dir: &Path) -> io::Result<Self> {
        let log_file = dir.join("log");
        let log = File::create(&log_file)?;
        command
            .env("TMPDIR", dir)
            .env("PYTHONUNBUFFERED", "1")
            .current_dir(dir)
            .stdout(log.try_clone()?)
            .stderr(log);
        let mut server = Self {
            child: command.spawn()?,
            address: String::new(),
            dir: None,
        };
        let started = Instant::now();
        loop {
            let log = fs::read_to_string(&log_file)?;
            if let Some(address) = address_in(&log) {
                address.clone_into(&mut server.address);
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                return Err(io::Error::other(format!("the server ended with {status}:\n{log}")));
            }
            if started.elapsed() > START_TIMEOUT {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("the server does not listen:\n{log}"),
                ));
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// Its address, such as `http://127.0.0.1:40001`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Sends SIGTERM and waits for the exit, so that it can store its state.
    ///
    /// # Errors
    ///
    /// If the signal cannot be sent.
    pub fn terminate(mut self) -> io::Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        self.child.wait().map(|_status| ())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails if it has exited already.
        let _already_exited = self.child.kill();
        let _status = self.child.wait();
        drop(self.dir.take());
    }
}

fn address_in(log: &str) -> Option<&str> {
    let mut lines = log.lines().filter_map(|line| line.split_once("Running on "));
    lines.find_map(|(_, rest)| rest.split_whitespace().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_log() {
        let log = "starting\n[2026-11-23] [INFO] Running on http://127.0.0.1:45999 (CTRL + C to quit)\n";
        assert_eq!(address_in(log), Some("http://127.0.0.1:45999"));
        assert_eq!(address_in("starting\n"), None);
    }

    #[test]
    fn an_early_exit_is_an_error_with_the_output() {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such module; exit 3"]);
        let error = Server::start(&mut command, dir.path()).unwrap_err().to_string();
        assert!(error.contains("no such module") && error.contains('3'), "{error}");
    }
}
