//! A program that was started in a workdir: what it prints, how it ends, and that it is gone when the test is over.

use std::fmt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::workdir::Workdir;

/// Nothing here takes ten seconds on a machine of its own; a test that waits longer than this would wait for ever.
pub(crate) const TOO_LONG: Duration = Duration::from_secs(60);

/// What a program has printed so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Printed {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A program that runs. Killed with its value, if it is still there.
pub(crate) struct Run<'r> {
    workdir: &'r Workdir,
    child: Child,
    printed: watch::Receiver<Printed>,
}

/// A program that has ended. `Debug` shows its output as a terminal would.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl<'r> Run<'r> {
    pub(crate) fn start(workdir: &'r Workdir, mut command: Command) -> Self {
        let mut child = command.spawn().expect("the program was built");
        let (sender, printed) = watch::channel(Printed::default());
        // There is none where a test has redirected it.
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(collect(stdout, sender.clone(), |printed| &mut printed.stdout));
        }
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(collect(stderr, sender, |printed| &mut printed.stderr));
        }
        Self {
            workdir,
            child,
            printed,
        }
    }

    /// Starts it and waits until it stays up.
    pub(crate) async fn up(workdir: &'r Workdir, command: Command) -> Self {
        let mut run = Self::start(workdir, command);
        run.wait_for("an invitation to call", |printed| {
            // They are two pipes: what was written first may arrive last.
            printed.stderr.contains("all tasks are running") && printed.stdout.contains("Ctrl-C stops everything")
        })
        .await;
        run
    }

    /// Runs it to its end, which must come by itself.
    pub(crate) async fn to_end(workdir: &'r Workdir, command: Command) -> Ended {
        Self::start(workdir, command).end().await
    }

    pub(crate) fn printed(&self) -> Printed {
        self.printed.borrow().clone()
    }

    /// Waits until what was printed satisfies `enough`.
    pub(crate) async fn wait_for(&mut self, what: &str, enough: impl Fn(&Printed) -> bool) {
        let waiting = self.printed.wait_for(|printed| enough(printed));
        match tokio::time::timeout(TOO_LONG, waiting).await {
            Ok(Ok(_)) => {}
            Ok(Err(_closed)) => panic!("it ended, and there was never {what}"),
            Err(_) => panic!("there is not {what}"),
        }
    }

    /// Waits until `count` lines begin with `start` and go on with `rest` somewhere.
    pub(crate) async fn wait_for_lines(&mut self, count: usize, start: &str, rest: &str) {
        let what = format!("`{start}…{rest}` {count} times");
        self.wait_for(&what, |printed| {
            let lines = printed.stderr.lines();
            lines
                .filter(|line| line.starts_with(start) && line.contains(rest))
                .count()
                >= count
        })
        .await;
    }

    /// The process id in the last line that begins with `start` and has one.
    pub(crate) fn pid(&self, start: &str) -> i32 {
        let printed = self.printed();
        let mut lines = printed.stderr.lines().rev().filter(|line| line.starts_with(start));
        let pid = lines.find_map(|line| line.split_once("(pid ")?.1.split(')').next()?.parse().ok());
        pid.unwrap_or_else(|| panic!("no process id after `{start}`"))
    }

    /// The URL in the line of its invitation to call that ends like this.
    pub(crate) fn url(&self, ending: &str) -> String {
        let printed = self.printed();
        let lines = printed.stdout.lines().map(str::trim);
        let mut urls = lines.filter(|line| line.ends_with(ending));
        let url = urls.find_map(|line| line.strip_prefix("curl ")?.split_whitespace().next());
        url.unwrap_or_else(|| panic!("no URL before `{ending}`")).to_owned()
    }

    /// The folder that it says its logs are in.
    pub(crate) fn logs(&self) -> String {
        let printed = self.printed();
        let found = printed.stdout.split_once("Logs are in ").expect("it says so").1;
        found.split(". Ctrl-C").next().unwrap_or_default().to_owned()
    }

    pub(crate) fn own_pid(&self) -> i32 {
        let id = self.child.id().expect("it runs");
        i32::try_from(id).expect("process ids are small")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        send(self.own_pid(), signal);
    }

    /// Waits for its end.
    pub(crate) async fn end(mut self) -> Ended {
        let status = tokio::time::timeout(TOO_LONG, self.child.wait()).await;
        let status: ExitStatus = status.expect("it ends in time").expect("it can be waited for");
        // Only what it printed last may still be on its way: its children have logs of their own.
        while tokio::time::timeout(TOO_LONG, self.printed.changed())
            .await
            .expect("its output ends")
            .is_ok()
        {}
        let Printed { stdout, stderr } = self.printed();
        Ended {
            code: status.code(),
            stdout,
            stderr,
        }
    }
}

impl fmt::Debug for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, stdout, stderr } = self;
        write!(
            f,
            "exit code {code:?}\n--- stdout:\n{stdout}\n--- stderr:\n{stderr}\n---"
        )
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Printed { stdout, stderr } = self.printed();
            eprintln!("--- stdout:\n{stdout}\n--- stderr:\n{stderr}\n---");
        }
        // Waited for, so that no test leaves a process behind: what is killed ends at once, and takes what it
        // started along.
        let running = self.child.start_kill().is_ok();
        while running && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::yield_now();
        }
        let deadline = Instant::now() + TOO_LONG;
        while Instant::now() < deadline {
            let left = self.workdir.processes();
            if left.is_empty() {
                break;
            }
            for pid in left {
                send(pid, Signal::KILL);
            }
        }
    }
}

/// Sends a signal to a process that may have ended.
pub(crate) fn send(pid: i32, signal: Signal) {
    let _gone = kill_process(Pid::from_raw(pid).expect("a process id"), signal);
}

/// Polls until `condition` holds, for things that cannot be waited for.
pub(crate) async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + TOO_LONG;
    while !condition().await {
        assert!(Instant::now() < deadline, "never came true: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn collect(
    mut from: impl AsyncRead + Unpin,
    into: watch::Sender<Printed>,
    which: impl Fn(&mut Printed) -> &mut String,
) {
    let mut bytes = Vec::new();
    // Kept as bytes until then: a character may arrive in two pieces.
    while from.read_buf(&mut bytes).await.is_ok_and(|count| count > 0) {
        into.send_modify(|printed| *which(printed) = String::from_utf8_lossy(&bytes).into_owned());
    }
}
