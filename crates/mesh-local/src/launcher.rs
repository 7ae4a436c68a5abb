//! Starts a program so that it does not outlive the process that started it, and where it is to run.
//!
//! A runner that is stopped in an orderly way stops what it started. One that is killed outright cannot, and
//! would leave Envoys and services behind, so each of them is started through a small program: the runner's own
//! executable once more, which asks the kernel to be killed along with its parent and then becomes the program.
//! Only Linux can do that; elsewhere the program simply is what it becomes.
//!
//! On its way it can enter the network of a task and become another user, and instead of becoming a program it can
//! hold such a network (see `network`).
//!
//! Linux means the thread that started the program rather than the whole process (prctl(2), `PR_SET_PDEATHSIG`, read
//! 2026-11-23). Programs are started by the workers of the Tokio runtime, which live as long as it does; whoever
//! moves workers' work to short-lived threads, as `block_in_place` may, would see programs killed with those.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::network::{self, User};

/// Before the process id of whoever holds the network to enter.
const INSIDE: &str = "--inside";
/// Before a user and a group by number, with a colon between them.
const AS: &str = "--as";
/// Before the network to hold. There is no program then.
const HOLD: &str = "--hold";

/// The command line in front of everything that is started: how the host program calls [`exec_program`].
#[derive(Debug, Clone, Default)]
pub struct Launcher {
    host: Vec<OsString>,
    place: Vec<OsString>,
}

impl Launcher {
    /// `host` is the command line by which the host program runs [`exec_program`] with the arguments after it.
    pub fn new(host: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self {
            host: host.into_iter().map(Into::into).collect(),
            place: Vec::new(),
        }
    }

    /// Starts programs directly: they outlive a runner that is killed outright.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Starts programs in the network, and with the files, that the process `pid` holds.
    pub(crate) fn in_netns(mut self, pid: u32) -> Self {
        self.place.extend([INSIDE.into(), pid.to_string().into()]);
        self
    }

    /// Starts programs as another user.
    pub(crate) fn as_user(mut self, user: User) -> Self {
        self.place
            .extend([AS.into(), format!("{}:{}", user.id, user.group).into()]);
        self
    }

    /// The command line that starts `program` in the care of this process.
    pub(crate) fn command_line(&self, program: Vec<OsString>) -> Vec<OsString> {
        if self.host.is_empty() {
            return program;
        }
        let parent = OsString::from(std::process::id().to_string());
        let before = self.host.iter().chain(&self.place).cloned();
        before.chain([parent]).chain(program).collect()
    }

    /// The command line of a process that holds a network, in the care of this process.
    ///
    /// # Errors
    ///
    /// If there is no host program.
    pub(crate) fn hold(&self, setup: &str) -> io::Result<Vec<OsString>> {
        if self.host.is_empty() {
            let message = "the program itself holds the networks of tasks, and did not say how it is called for that";
            return Err(io::Error::other(message));
        }
        let parent = OsString::from(std::process::id().to_string());
        Ok(self
            .host
            .iter()
            .cloned()
            .chain([HOLD.into(), setup.into(), parent])
            .collect())
    }
}

/// Becomes a program that ends with its parent, or holds a task's network until then. `arguments` are those that
/// [`Launcher`] put after the host's own: where to be and as whom, the parent's process id, the program and its
/// arguments. Returns only if that fails.
///
/// To be called before there are other threads.
#[must_use]
pub fn exec_program(arguments: &[OsString]) -> io::Error {
    match LaunchRequest::read(arguments) {
        Ok(order) => order.carry_out(),
        Err(error) => error,
    }
}

/// What [`Launcher`] asks for.
#[derive(Debug, PartialEq, Eq)]
struct LaunchRequest<'a> {
    inside: Option<u32>,
    user: Option<User>,
    parent: &'a OsStr,
    work: LaunchAction<'a>,
}

#[derive(Debug, PartialEq, Eq)]
enum LaunchAction<'a> {
    Hold(&'a str),
    Become(&'a OsStr, &'a [OsString]),
}

impl<'a> LaunchRequest<'a> {
    fn read(mut arguments: &'a [OsString]) -> io::Result<Self> {
        let (mut inside, mut user, mut hold) = (None, None, None);
        while let [option, value, rest @ ..] = arguments {
            let wrong = || io::Error::other(format!("{} {} is not understood", option.display(), value.display()));
            let value = value.to_str().ok_or_else(wrong);
            match option.to_str() {
                Some(INSIDE) => inside = Some(value?.parse().map_err(|_| wrong())?),
                Some(AS) => user = Some(read_user(value?).ok_or_else(wrong)?),
                Some(HOLD) => hold = Some(value?),
                _ => break,
            }
            arguments = rest;
        }
        let (parent, work) = match (hold, arguments) {
            (Some(setup), [parent]) => (parent, LaunchAction::Hold(setup)),
            (None, [parent, program, rest @ ..]) => (parent, LaunchAction::Become(program, rest)),
            _ => return Err(io::Error::other("expected a process id and a program")),
        };
        Ok(Self {
            inside,
            user,
            parent,
            work,
        })
    }

    fn carry_out(&self) -> io::Error {
        if let Err(error) = self.settle() {
            return error;
        }
        match self.work {
            LaunchAction::Hold(setup) => network::run_netns_init(setup),
            LaunchAction::Become(program, arguments) => {
                let error = Command::new(program).args(arguments).exec();
                io::Error::new(error.kind(), format!("cannot start {}: {error}", program.display()))
            }
        }
    }

    fn settle(&self) -> io::Result<()> {
        if let Some(pid) = self.inside {
            network::enter(pid)?;
        }
        if let Some(user) = self.user {
            network::setuid(user)?;
        }
        // Last: the kernel forgets it when a process becomes another user's.
        die_with_parent(self.parent)
    }
}

fn read_user(text: &str) -> Option<User> {
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
    // The parent may have gone before the kernel knew what to do in that case.
    let still_there = getppid().is_some_and(|pid| *pid.as_raw_nonzero().to_string() == *parent);
    if still_there {
        Ok(())
    } else {
        Err(io::Error::other("the runner is gone"))
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent(_parent: &OsStr) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &[OsString]) -> Vec<&str> {
        line.iter().filter_map(|word| word.to_str()).collect()
    }

    #[test]
    fn what_a_launcher_asks_for_is_what_is_done() {
        let here = std::process::id().to_string();
        let host = Launcher::new(["host", "__launch"]);
        let program = || vec!["envoy".into(), "--inside".into(), "7".into()];

        let line = host.command_line(program());
        assert_eq!(words(&line), ["host", "__launch", &here, "envoy", "--inside", "7"]);

        let user = User { id: 1337, group: 20 };
        let line = host.clone().in_netns(42).as_user(user).command_line(program());
        let order = LaunchRequest {
            inside: Some(42),
            user: Some(user),
            parent: here.as_ref(),
            work: LaunchAction::Become("envoy".as_ref(), &line[line.len() - 2..]),
        };
        assert_eq!(LaunchRequest::read(&line[2..]).expect("it is complete"), order);

        let line = host.hold("{}").expect("there is a host");
        let order = LaunchRequest {
            inside: None,
            user: None,
            parent: here.as_ref(),
            work: LaunchAction::Hold("{}"),
        };
        assert_eq!(LaunchRequest::read(&line[2..]).expect("it is complete"), order);
    }

    #[test]
    fn an_order_that_is_not_understood_is_quoted() {
        let read = |line: &[&str]| {
            let line: Vec<OsString> = line.iter().map(Into::into).collect();
            LaunchRequest::read(&line).expect_err("it is wrong").to_string()
        };
        assert_eq!(read(&["--as", "envoy", "1", "true"]), "--as envoy is not understood");
        assert_eq!(read(&["--inside", "x", "1", "true"]), "--inside x is not understood");
        assert_eq!(read(&["1"]), "expected a process id and a program");
        assert_eq!(read(&["--hold", "{}"]), "expected a process id and a program");
    }

    #[test]
    fn without_a_host_programs_are_started_as_they_are() {
        assert_eq!(words(&Launcher::none().command_line(vec!["envoy".into()])), ["envoy"]);
        let error = Launcher::none()
            .hold("{}")
            .expect_err("nobody could hold it")
            .to_string();
        assert!(error.contains("did not say how it is called"), "{error}");
    }
}
