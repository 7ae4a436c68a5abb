//! Runs one child process to its exit, a cancellation or its time limit.

use std::io::{self, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};

use crate::cancel::{Cancel, Waited};

/// Time limit for a program that prints its version. Envoy takes 0.1 s, and 1 s from a slow disk; a virus scanner may
/// read the whole file first.
pub(crate) const VERSION_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait for killed processes to close their output, which shows that they have exited. The kernel takes
/// milliseconds; a process that has left the process group may keep it open indefinitely.
const OUTPUT_CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Why a child process has no output.
#[derive(Debug)]
pub(crate) enum Aborted {
    /// The operating system could not start it.
    Spawn(io::Error),
    /// [`Cancel::cancel`] was called.
    Cancelled,
    /// It was killed at its time limit.
    TimedOut,
}

/// Runs a program without input and returns its output, once it has exited and no other process shares its output.
///
/// A program that can be cancelled gets a process group of its own, and every process in that group is killed when
/// this returns. The terminal's Ctrl-C does not reach such a group; with [`Cancel::never`] the child therefore stays
/// in its parent's group, and the time limit applies to the child alone.
pub(crate) fn run(command: &mut Command, cancel: &Cancel, limit: Option<Duration>) -> Result<Output, Aborted> {
    if cancel.is_cancelled() {
        return Err(Aborted::Cancelled);
    }
    let deadline = limit.map(|limit| Instant::now() + limit);
    let leads_group = !cancel.is_never();
    if leads_group {
        command.process_group(0);
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut running = Running {
        child: command.spawn().map_err(Aborted::Spawn)?,
        leads_group,
        is_killed: false,
    };

    let printed = collect_output(&mut running.child, cancel).map_err(Aborted::Spawn)?;
    let mut output = None;
    let waited = cancel.wait(deadline, || {
        output = printed.try_recv().ok();
        output.is_some()
    });
    let status = running.kill_and_wait().map_err(Aborted::Spawn);
    match (waited, output) {
        (Waited::Done, Some((stdout, stderr))) => Ok(Output {
            status: status?,
            stdout,
            stderr,
        }),
        (waited, _) => {
            let _discarded = printed.recv_timeout(OUTPUT_CLOSE_TIMEOUT);
            Err(if waited == Waited::TimedOut {
                Aborted::TimedOut
            } else {
                Aborted::Cancelled
            })
        }
    }
}

/// Reads the output until every process that shares it has closed it and the child has exited; then notifies.
fn collect_output(child: &mut Child, cancel: &Cancel) -> io::Result<mpsc::Receiver<(Vec<u8>, Vec<u8>)>> {
    let (sender, receiver) = mpsc::channel();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let pid = Pid::from_child(child);
    let notified = cancel.clone();
    // Two threads, because a child blocks when either of its pipes is full.
    let stdout = thread::Builder::new().spawn(move || read(stdout))?;
    thread::Builder::new().spawn(move || {
        let stderr = read(stderr);
        let stdout = stdout.join().unwrap_or_default();
        // The child is not reaped here: its process id is reserved only until then, and may have to be killed. The
        // call fails if the child was reaped meanwhile, and thus has exited.
        let _exited =
            rustix::io::retry_on_intr(|| waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT));
        // The receiver is gone after a cancellation.
        let _receiver_gone = sender.send((stdout, stderr));
        notified.notify();
    })?;
    Ok(receiver)
}

fn read(pipe: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        // The bytes before an error are all there is to show.
        let _truncated = pipe.read_to_end(&mut bytes);
    }
    bytes
}

/// A child that has not been reaped. Killed and reaped on drop.
struct Running {
    child: Child,
    leads_group: bool,
    is_killed: bool,
}

impl Running {
    /// Kills the remaining processes and reaps the child.
    fn kill_and_wait(&mut self) -> io::Result<ExitStatus> {
        if !self.is_killed {
            let pid = Pid::from_child(&self.child);
            // Both fail if no process is left, which is the goal.
            let _already_gone = if self.leads_group {
                kill_process_group(pid, Signal::KILL)
            } else {
                kill_process(pid, Signal::KILL)
            };
            self.is_killed = true;
        }
        self.child.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _reaped = self.kill_and_wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn output_and_exit_status_are_returned() {
        for cancel in [Cancel::new(), Cancel::never()] {
            let output = run(&mut shell("echo out; echo err >&2; exit 3"), &cancel, None).unwrap();
            assert_eq!(
                (output.stdout.as_slice(), output.stderr.as_slice()),
                (&b"out\n"[..], &b"err\n"[..])
            );
            assert_eq!(output.status.code(), Some(3));
            // More than fits into a pipe, on both streams.
            let much = "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2";
            let output = run(&mut shell(much), &cancel, None).unwrap();
            assert_eq!((output.stdout.len(), output.stderr.len()), (300_000, 300_000));
        }
    }

    #[test]
    fn a_child_is_killed_at_its_time_limit() {
        let limit = Some(Duration::from_millis(20));
        for (cancel, script) in [
            (Cancel::never(), "exec sleep 1000"),
            (Cancel::new(), "exec sleep 1000"),
            // Has closed its output, and starts another.
            (Cancel::new(), "exec >/dev/null 2>&1; sleep 1000 & wait"),
        ] {
            let aborted = run(&mut shell(script), &cancel, limit);
            assert!(matches!(aborted, Err(Aborted::TimedOut)), "{aborted:?}");
        }
    }

    #[test]
    fn nothing_is_started_after_a_cancellation() {
        let cancel = Cancel::new();
        cancel.cancel();
        let aborted = run(&mut Command::new("/missing"), &cancel, None);
        assert!(matches!(aborted, Err(Aborted::Cancelled)), "{aborted:?}");
        let aborted = run(&mut Command::new("/missing"), &Cancel::new(), None);
        assert!(matches!(aborted, Err(Aborted::Spawn(_))), "{aborted:?}");
    }
}
