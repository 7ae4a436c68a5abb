//! Launches programs that do not outlive this process.
//!
//! A process that ends gracefully stops its children. One that is killed cannot, and would leave Envoys and services
//! behind. So each child is started through a launcher: this executable once more, which asks the kernel for a parent
//! death signal and then executes the program. Only Linux supports this; elsewhere the launcher executes the program
//! directly.
//!
//! The launcher can also enter a task's network namespace and change its user. Instead of executing a program, it can
//! become the init process of a network namespace (see `network`).
//!
//! On Linux the death signal follows the parent thread, not the process (prctl(2), `PR_SET_PDEATHSIG`, read
//! 2026-11-23). Programs are started by workers of the Tokio runtime, which live as long as it does. Moving that work
//! to short-lived threads, as `block_in_place` may, would kill the programs with these threads.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::network::{self, User};

/// Option: the init process of the network namespace to enter.
const NETNS: &str = "--netns";
/// Option: user and group ids, separated by a colon.
const USER: &str = "--user";
/// Option: the network namespace to create, instead of a program.
const INIT_NETNS: &str = "--init-netns";

/// The launcher's command line prefix, by which the host program calls [`exec_program`].
#[derive(Debug, Clone, Default)]
pub struct Launcher {
    host: Vec<OsString>,
    options: Vec<OsString>,
}

impl Launcher {
    /// `host` is the command line with which the host program calls [`exec_program`] with all further arguments.
    pub fn new(host: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self {
            host: host.into_iter().map(Into::into).collect(),
            options: Vec::new(),
        }
    }

    /// Starts programs directly: they outlive a killed parent.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Starts programs in the network and mount namespaces of the process `pid`.
    pub(crate) fn in_netns(mut self, pid: u32) -> Self {
        self.options.extend([NETNS.into(), pid.to_string().into()]);
        self
    }

    /// Starts programs as another user.
    pub(crate) fn with_user(mut self, user: User) -> Self {
        self.options
            .extend([USER.into(), format!("{}:{}", user.id, user.group).into()]);
        self
    }

    /// The command line that launches `program` as a child of this process.
    #[must_use]
    pub fn command_line(&self, program: Vec<OsString>) -> Vec<OsString> {
        if self.host.is_empty() {
            return program;
        }
        let parent = OsString::from(std::process::id().to_string());
        let before = self.host.iter().chain(&self.options).cloned();
        before.chain([parent]).chain(program).collect()
    }

    /// The command line that launches the init process of a network namespace as a child of this process.
    ///
    /// # Errors
    ///
    /// If there is no host program.
    pub(crate) fn init_netns(&self, setup: &str) -> io::Result<Vec<OsString>> {
        if self.host.is_empty() {
            let message = "network namespaces need a launcher, and this program has none; see `Launcher::new`";
            return Err(io::Error::other(message));
        }
        let parent = OsString::from(std::process::id().to_string());
        Ok(self
            .host
            .iter()
            .cloned()
            .chain([INIT_NETNS.into(), setup.into(), parent])
            .collect())
    }
}

/// Executes a program that ends with its parent, or becomes the init process of a network namespace. `arguments` are
/// those that [`Launcher`] appends to the host's own: namespace and user options, the parent's process id, the program
/// and its arguments. Returns only on failure.
///
/// Must be called before other threads are started.
#[must_use]
pub fn exec_program(arguments: &[OsString]) -> io::Error {
    match LaunchRequest::parse(arguments) {
        Ok(request) => request.execute(),
        Err(error) => error,
    }
}

/// The parsed arguments of a launch.
#[derive(Debug, PartialEq, Eq)]
struct LaunchRequest<'a> {
    netns: Option<u32>,
    user: Option<User>,
    parent: &'a OsStr,
    action: LaunchAction<'a>,
}

#[derive(Debug, PartialEq, Eq)]
enum LaunchAction<'a> {
    InitNetns(&'a str),
    Exec(&'a OsStr, &'a [OsString]),
}

impl<'a> LaunchRequest<'a> {
    fn parse(mut arguments: &'a [OsString]) -> io::Result<Self> {
        let (mut netns, mut user, mut setup) = (None, None, None);
        while let [option, value, rest @ ..] = arguments {
            let invalid = || {
                io::Error::other(format!(
                    "invalid launcher option {} {}",
                    option.display(),
                    value.display()
                ))
            };
            let value = value.to_str().ok_or_else(invalid);
            match option.to_str() {
                Some(NETNS) => netns = Some(value?.parse().map_err(|_| invalid())?),
                Some(USER) => user = Some(parse_user(value?).ok_or_else(invalid)?),
                Some(INIT_NETNS) => setup = Some(value?),
                _ => break,
            }
            arguments = rest;
        }
        let (parent, action) = match (setup, arguments) {
            (Some(setup), [parent]) => (parent, LaunchAction::InitNetns(setup)),
            (None, [parent, program, rest @ ..]) => (parent, LaunchAction::Exec(program, rest)),
            _ => return Err(io::Error::other("expected a parent process id and a program")),
        };
        Ok(Self {
            netns,
            user,
            parent,
            action,
        })
    }

    fn execute(&self) -> io::Error {
        let opened = match self.prepare() {
            Ok(opened) => opened,
            Err(error) => return error,
        };
        match self.action {
            LaunchAction::InitNetns(setup) => network::run_netns_init(setup),
            LaunchAction::Exec(program, arguments) => {
                let mut error = Command::new(program).args(arguments).exec();
                if let (io::ErrorKind::PermissionDenied, Some(file)) = (error.kind(), opened) {
                    error = exec_opened(&file, program, arguments);
                }
                io::Error::new(error.kind(), format!("cannot start {}: {error}", program.display()))
            }
        }
    }

    /// Returns the program as a file if the user changes: the new one may not enter the program's directory, as it could
    /// in an image.
    fn prepare(&self) -> io::Result<Option<File>> {
        if let Some(pid) = self.netns {
            network::enter(pid)?;
        }
        let mut opened = None;
        if let Some(user) = self.user {
            if let LaunchAction::Exec(program, _) = self.action {
                opened = open_program(program);
            }
            network::setuid(user)?;
        }
        // Last: the kernel clears the death signal when the user changes.
        die_with_parent(self.parent)?;
        Ok(opened)
    }
}

/// Opens a program, which without a slash is one of `PATH`.
fn open_program(program: &OsStr) -> Option<File> {
    if program.as_encoded_bytes().contains(&b'/') {
        return File::open(program).ok();
    }
    let path = std::env::var_os("PATH")?;
    let mut files = std::env::split_paths(&path).map(|dir| dir.join(program));
    files.find_map(|file| File::open(file).ok())
}

/// Executes an open file. Returns only on failure.
fn exec_opened(file: &File, program: &OsStr, arguments: &[OsString]) -> io::Error {
    // The interpreter of a script opens it again.
    if let Err(error) = rustix::io::fcntl_setfd(file, rustix::io::FdFlags::empty()) {
        return error.into();
    }
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    Command::new(path).arg0(program).args(arguments).exec()
}

fn parse_user(text: &str) -> Option<User> {
    let (id, group) = text.split_once(':')?;
    Some(User {
        id: id.parse().ok()?,
        group: group.parse().ok()?,
    })
}

#[cfg(target_os = "linux")]
fn die_with_parent(parent: &OsStr) -> io::Result<()> {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};

    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have ended before the signal was set.
    let still_there = getppid().is_some_and(|pid| *pid.as_raw_nonzero().to_string() == *parent);
    if still_there {
        Ok(())
    } else {
        Err(io::Error::other("the parent process has ended"))
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent(_parent: &OsStr) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(line: &[OsString]) -> Vec<&str> {
        line.iter().filter_map(|text| text.to_str()).collect()
    }

    #[test]
    fn requests_are_parsed_as_written() {
        let here = std::process::id().to_string();
        let host = Launcher::new(["host", "__launch"]);
        let program = || vec!["envoy".into(), "--netns".into(), "7".into()];

        let line = host.command_line(program());
        assert_eq!(strings(&line), ["host", "__launch", &here, "envoy", "--netns", "7"]);

        let user = User { id: 1337, group: 20 };
        let line = host.clone().in_netns(42).with_user(user).command_line(program());
        let request = LaunchRequest {
            netns: Some(42),
            user: Some(user),
            parent: here.as_ref(),
            action: LaunchAction::Exec("envoy".as_ref(), &line[line.len() - 2..]),
        };
        assert_eq!(LaunchRequest::parse(&line[2..]).expect("it is complete"), request);

        let line = host.init_netns("{}").expect("there is a host");
        let request = LaunchRequest {
            netns: None,
            user: None,
            parent: here.as_ref(),
            action: LaunchAction::InitNetns("{}"),
        };
        assert_eq!(LaunchRequest::parse(&line[2..]).expect("it is complete"), request);
    }

    #[test]
    fn invalid_requests_are_quoted() {
        let error = |line: &[&str]| {
            let line: Vec<OsString> = line.iter().map(Into::into).collect();
            LaunchRequest::parse(&line).expect_err("it is invalid").to_string()
        };
        assert_eq!(
            error(&["--user", "envoy", "1", "true"]),
            "invalid launcher option --user envoy"
        );
        assert_eq!(
            error(&["--netns", "x", "1", "true"]),
            "invalid launcher option --netns x"
        );
        assert_eq!(error(&["1"]), "expected a parent process id and a program");
        assert_eq!(
            error(&["--init-netns", "{}"]),
            "expected a parent process id and a program"
        );
    }

    #[test]
    fn without_a_host_programs_are_started_directly() {
        assert_eq!(strings(&Launcher::none().command_line(vec!["envoy".into()])), ["envoy"]);
        let error = Launcher::none()
            .init_netns("{}")
            .expect_err("there is no launcher")
            .to_string();
        assert!(error.contains("need a launcher"), "{error}");
    }
}
