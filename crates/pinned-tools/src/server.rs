//! A tool that serves, for as long as somebody has it: MiniStack or moto, in place of AWS.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::python::PythonTools;

/// Python has to start and import some hundred modules, on a machine that may be busy.
const STARTS_WITHIN: Duration = Duration::from_secs(60);
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// A server on loopback. Dropping it kills it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: String,
    /// Where it keeps files, if that is to go with it.
    folder: Option<TempDir>,
}

impl Server {
    /// MiniStack on a free port, with nothing in it yet.
    ///
    /// # Errors
    ///
    /// If it does not start, with what it printed.
    pub fn ministack(tools: &PythonTools) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut command = tools.ministack();
        command.env("BIND_HOST", "127.0.0.1").env("GATEWAY_PORT", "0");
        let mut server = Self::start(&mut command, folder.path())?;
        server.folder = Some(folder);
        Ok(server)
    }

    /// moto on a free port, with nothing in it yet.
    ///
    /// # Errors
    ///
    /// If it does not start, with what it printed.
    pub fn moto(tools: &PythonTools) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut command = tools.moto_server();
        command.args(["-H", "127.0.0.1", "-p", "0"]);
        let mut server = Self::start(&mut command, folder.path())?;
        server.folder = Some(folder);
        Ok(server)
    }

    /// One of a kind for all that use it at the same time: started for the first, and ended after the last.
    /// `running` is where that one is known.
    ///
    /// # Errors
    ///
    /// What `start` answers.
    pub fn shared(running: &Mutex<Weak<Self>>, start: impl FnOnce() -> io::Result<Self>) -> io::Result<Arc<Self>> {
        // Whoever failed to start one left nothing half done.
        let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = running.upgrade() {
            return Ok(server);
        }
        let server = Arc::new(start()?);
        *running = Arc::downgrade(&server);
        Ok(server)
    }

    /// A command that says `Running on ADDRESS` once it listens, as both do. It keeps its files and its log in `folder`.
    ///
    /// # Errors
    ///
    /// If it does not start, ends, or does not say so within a minute; with what it printed.
    pub fn start(command: &mut Command, folder: &Path) -> io::Result<Self> {
        let log_file = folder.join("log");
        let log = File::create(&log_file)?;
        command
            .env("TMPDIR", folder)
            .env("PYTHONUNBUFFERED", "1")
            .current_dir(folder)
            .stdout(log.try_clone()?)
            .stderr(log);
        let mut server = Self {
            child: command.spawn()?,
            address: String::new(),
            folder: None,
        };
        let started = Instant::now();
        loop {
            let log = fs::read_to_string(&log_file)?;
            if let Some(address) = address_in(&log) {
                address.clone_into(&mut server.address);
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                return Err(io::Error::other(format!("it ended with {status}:\n{log}")));
            }
            if started.elapsed() > STARTS_WITHIN {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("it does not listen:\n{log}"),
                ));
            }
            thread::sleep(BETWEEN_LOOKS);
        }
    }

    /// Where it listens: `http://127.0.0.1:40001`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Asks it to end and waits for that, so that it can put down what it knows.
    ///
    /// # Errors
    ///
    /// If the operating system refuses.
    pub fn end(mut self) -> io::Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        self.child.wait().map(|_status| ())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already, and then there is nothing to end.
        let _ended = self.child.kill();
        let _status = self.child.wait();
        drop(self.folder.take());
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
    fn where_it_listens_is_in_its_log() {
        let log = "starting\n[2026-11-23] [INFO] Running on http://127.0.0.1:45999 (CTRL + C to quit)\n";
        assert_eq!(address_in(log), Some("http://127.0.0.1:45999"));
        assert_eq!(address_in("starting\n"), None);
    }

    #[test]
    fn one_that_ends_at_once_is_an_error_with_its_words() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such module; exit 3"]);
        let error = Server::start(&mut command, folder.path()).unwrap_err().to_string();
        assert!(error.contains("no such module") && error.contains('3'), "{error}");
    }
}
