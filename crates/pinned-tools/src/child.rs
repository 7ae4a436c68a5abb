//! One child process, from its start to its end: by itself, by a stop, or because it took too long.

use std::io::{self, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};

use crate::stop::{Stop, Waited};

/// How long a program may take to say which one it is. Envoy takes a tenth of a second, and ten times that when it
/// comes from a slow disk; a virus scanner may read all of it first.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// How long to wait for those who were killed to let go of their output, which is how their end shows. The kernel
/// takes milliseconds; somebody who has left the process group may hold it for ever.
const LETTING_GO: Duration = Duration::from_secs(1);

/// Why there is no output.
#[derive(Debug)]
pub(crate) enum Cut {
    /// The operating system's reason for not starting it.
    Unstartable(io::Error),
    /// It was stopped.
    Stopped,
    /// It was killed at its time limit.
    TooLong,
}

/// Runs a program to its end, without any input, and gives what it printed. It is over when the program has ended
/// and nobody shares its output any more.
///
/// A program that can be stopped gets a process group of its own, and whatever ends it, nothing in that group keeps
/// running. This keeps the terminal's Ctrl-C from it, so where there is [no stop](Stop::never) it stays in its
/// parent's group, and the time limit is for itself alone.
pub(crate) fn run(command: &mut Command, stop: &Stop, limit: Option<Duration>) -> Result<Output, Cut> {
    if stop.is_stopped() {
        return Err(Cut::Stopped);
    }
    let deadline = limit.map(|limit| Instant::now() + limit);
    let leads_group = !stop.is_never();
    if leads_group {
        command.process_group(0);
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut running = Running {
        child: command.spawn().map_err(Cut::Unstartable)?,
        leads_group,
        is_over: false,
    };

    let printed = watch(&mut running.child, stop).map_err(Cut::Unstartable)?;
    let mut output = None;
    let waited = stop.wait(deadline, || {
        output = printed.try_recv().ok();
        output.is_some()
    });
    let status = running.end().map_err(Cut::Unstartable);
    match (waited, output) {
        (Waited::Done, Some((stdout, stderr))) => Ok(Output {
            status: status?,
            stdout,
            stderr,
        }),
        (waited, _) => {
            let _its_last_words = printed.recv_timeout(LETTING_GO);
            Err(if waited == Waited::TooLong {
                Cut::TooLong
            } else {
                Cut::Stopped
            })
        }
    }
}

/// Collects what a child prints until everyone who shares its output is done and the child has ended; then nudges.
fn watch(child: &mut Child, stop: &Stop) -> io::Result<mpsc::Receiver<(Vec<u8>, Vec<u8>)>> {
    let (sender, receiver) = mpsc::channel();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let pid = Pid::from_child(child);
    let nudged = stop.clone();
    // Two threads, as a child that is not read from on one side stands still on the other.
    let stdout = thread::Builder::new().spawn(move || read(stdout))?;
    thread::Builder::new().spawn(move || {
        let stderr = read(stderr);
        let stdout = stdout.join().unwrap_or_default();
        // It is left to be collected, as its process id is its own only until then, and may have to be killed. This
        // fails if it was collected meanwhile, and so has ended.
        let _ended =
            rustix::io::retry_on_intr(|| waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT));
        // Nobody listens any more after a stop.
        let _unheard = sender.send((stdout, stderr));
        nudged.nudge();
    })?;
    Ok(receiver)
}

fn read(pipe: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        // What came before an error is all there is to show.
        let _cut_short = pipe.read_to_end(&mut bytes);
    }
    bytes
}

/// A child that has not been collected yet. Killed and collected with its value.
struct Running {
    child: Child,
    leads_group: bool,
    is_over: bool,
}

impl Running {
    /// Kills what is left of it, and collects it.
    fn end(&mut self) -> io::Result<ExitStatus> {
        if !self.is_over {
            let pid = Pid::from_child(&self.child);
            // Both fail if there is nobody left, which is what they are for.
            let _gone = if self.leads_group {
                kill_process_group(pid, Signal::KILL)
            } else {
                kill_process(pid, Signal::KILL)
            };
            self.is_over = true;
        }
        self.child.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _collected = self.end();
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
    fn what_it_printed_and_how_it_ended_is_given() {
        for stop in [Stop::new(), Stop::never()] {
            let output = run(&mut shell("echo out; echo err >&2; exit 3"), &stop, None).unwrap();
            assert_eq!(
                (output.stdout.as_slice(), output.stderr.as_slice()),
                (&b"out\n"[..], &b"err\n"[..])
            );
            assert_eq!(output.status.code(), Some(3));
            // More than fits into a pipe, on both sides.
            let much = "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2";
            let output = run(&mut shell(much), &stop, None).unwrap();
            assert_eq!((output.stdout.len(), output.stderr.len()), (300_000, 300_000));
        }
    }

    #[test]
    fn it_is_killed_at_its_time_limit() {
        let limit = Some(Duration::from_millis(20));
        for (stop, script) in [
            (Stop::never(), "exec sleep 1000"),
            (Stop::new(), "exec sleep 1000"),
            // Has closed its output, and starts another.
            (Stop::new(), "exec >/dev/null 2>&1; sleep 1000 & wait"),
        ] {
            let cut = run(&mut shell(script), &stop, limit);
            assert!(matches!(cut, Err(Cut::TooLong)), "{cut:?}");
        }
    }

    #[test]
    fn nothing_is_started_after_a_stop() {
        let stop = Stop::new();
        stop.stop();
        let cut = run(&mut Command::new("/nowhere"), &stop, None);
        assert!(matches!(cut, Err(Cut::Stopped)), "{cut:?}");
        let cut = run(&mut Command::new("/nowhere"), &Stop::new(), None);
        assert!(matches!(cut, Err(Cut::Unstartable(_))), "{cut:?}");
    }
}
