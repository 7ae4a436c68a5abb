//! Runs a program in a workdir: collects its output and exit code, and kills what is left of it when the test ends.

use std::fmt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::workdir::Workdir;

/// Timeout of every wait. The longest, a rollout in an emulated account, takes over a minute on a busy machine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(180);

/// The output of a program so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Output {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A running program, killed on drop.
pub(crate) struct Run<'r> {
    workdir: &'r Workdir,
    child: Child,
    printed: watch::Receiver<Output>,
}

/// A finished program. `Debug` shows its output as a terminal would.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl<'r> Run<'r> {
    pub(crate) fn start(workdir: &'r Workdir, mut command: Command) -> Self {
        let mut child = command.spawn().expect("the program was built");
        let (sender, printed) = watch::channel(Output::default());
        // A test may have redirected them.
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

    /// Starts a mesh and waits until all of its tasks are running.
    pub(crate) async fn up(workdir: &'r Workdir, command: Command) -> Self {
        let mut run = Self::start(workdir, command);
        run.wait_for("usage hints", |printed| {
            // Output on separate pipes may arrive out of order.
            printed.stderr.contains("everything is running") && printed.stdout.contains("Ctrl-C stops everything")
        })
        .await;
        run
    }

    /// Runs a program that exits by itself.
    pub(crate) async fn to_end(workdir: &'r Workdir, command: Command) -> Ended {
        Self::start(workdir, command).end().await
    }

    /// Stops a mesh as Ctrl-C does, and checks that nothing is left.
    pub(crate) async fn stop(self) {
        let workdir = self.workdir;
        self.signal(Signal::INT);
        let ended = self.end().await;
        assert_eq!(ended.code, Some(130), "{ended:?}");
        workdir.assert_nothing_left();
    }

    pub(crate) fn printed(&self) -> Output {
        self.printed.borrow().clone()
    }

    /// Waits until the output satisfies `condition`.
    pub(crate) async fn wait_for(&mut self, what: &str, condition: impl Fn(&Output) -> bool) {
        let waiting = self.printed.wait_for(|printed| condition(printed));
        match tokio::time::timeout(TIMEOUT, waiting).await {
            Ok(Ok(_)) => {}
            Ok(Err(_closed)) => panic!("the program exited without {what}"),
            Err(_) => panic!("timed out waiting for {what}"),
        }
    }

    /// Waits until `count` lines start with `start` and contain `rest`.
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

    /// The process id in the last line that starts with `start` and contains one.
    pub(crate) fn pid(&self, start: &str) -> i32 {
        let printed = self.printed();
        let mut lines = printed.stderr.lines().rev().filter(|line| line.starts_with(start));
        let pid = lines.find_map(|line| line.split_once("(pid ")?.1.split(')').next()?.parse().ok());
        pid.unwrap_or_else(|| panic!("no process id after `{start}`"))
    }

    /// The URL in the usage hint that ends with `ending`.
    pub(crate) fn url(&self, ending: &str) -> String {
        let printed = self.printed();
        let lines = printed.stdout.lines().map(str::trim);
        let mut urls = lines.filter(|line| line.ends_with(ending));
        let url = urls.find_map(|line| line.strip_prefix("curl ")?.split_whitespace().next());
        url.unwrap_or_else(|| panic!("no URL before `{ending}`")).to_owned()
    }

    /// The directory of its logs, from its output.
    pub(crate) fn logs(&self) -> String {
        let printed = self.printed();
        let found = printed
            .stdout
            .split_once("Logs are in ")
            .expect("the directory of the logs")
            .1;
        found.split(". Ctrl-C").next().unwrap_or_default().to_owned()
    }

    pub(crate) fn own_pid(&self) -> i32 {
        let id = self.child.id().expect("the program is running");
        i32::try_from(id).expect("process ids are small")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        send(self.own_pid(), signal);
    }

    /// Waits until it exits.
    pub(crate) async fn end(mut self) -> Ended {
        let status = tokio::time::timeout(TIMEOUT, self.child.wait()).await;
        let status: ExitStatus = status.expect("the program exits in time").expect("an exit status");
        // Its last output may still be in the pipes. Its children write to logs, not to these pipes.
        while tokio::time::timeout(TIMEOUT, self.printed.changed())
            .await
            .expect("the end of the output")
            .is_ok()
        {}
        let Output { stdout, stderr } = self.printed();
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
            let Output { stdout, stderr } = self.printed();
            eprintln!("--- stdout:\n{stdout}\n--- stderr:\n{stderr}\n---");
        }
        // Wait until all processes are gone, so that no test leaves any.
        let running = self.child.start_kill().is_ok();
        while running && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::yield_now();
        }
        let deadline = Instant::now() + TIMEOUT;
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

async fn collect(
    mut pipe: impl AsyncRead + Unpin,
    output: watch::Sender<Output>,
    select: impl Fn(&mut Output) -> &mut String,
) {
    let mut bytes = Vec::new();
    // Collected as bytes, since a character may arrive in two pieces.
    while pipe.read_buf(&mut bytes).await.is_ok_and(|count| count > 0) {
        output.send_modify(|printed| *select(printed) = String::from_utf8_lossy(&bytes).into_owned());
    }
}
