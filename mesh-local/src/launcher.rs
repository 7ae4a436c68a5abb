//! Starts a program so that it does not outlive the process that started it.
//!
//! A runner that is stopped in an orderly way stops what it started. One that is killed outright cannot, and
//! would leave Envoys and services behind, so each of them is started through a small program: the runner's own
//! executable once more, which asks the kernel to be killed along with its parent and then becomes the program.
//! Only Linux can do that; elsewhere the program simply is what it becomes.
//!
//! Linux means the thread that started the program rather than the whole process (prctl(2), `PR_SET_PDEATHSIG`, read
//! 2026-11-23). Programs are started by the workers of the Tokio runtime, which live as long as it does; whoever
//! moves workers' work to short-lived threads, as `block_in_place` may, would see programs killed with those.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The command line in front of everything that is started: how the host program calls [`become_program`].
#[derive(Debug, Clone, Default)]
pub struct Launcher(Vec<OsString>);

impl Launcher {
    /// `host` is the command line by which the host program runs [`become_program`] with the arguments after it.
    pub fn new(host: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self(host.into_iter().map(Into::into).collect())
    }

    /// Starts programs directly: they outlive a runner that is killed outright.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The command line that starts `program` in the care of this process.
    pub(crate) fn command_line(&self, program: Vec<OsString>) -> Vec<OsString> {
        if self.0.is_empty() {
            return program;
        }
        let parent = OsString::from(std::process::id().to_string());
        self.0.iter().cloned().chain([parent]).chain(program).collect()
    }
}

/// Becomes a program that ends with its parent. `arguments` are those that [`Launcher`] put after the host's
/// own: the parent's process id, the program and its arguments. Returns only if that fails.
#[must_use]
pub fn become_program(arguments: &[OsString]) -> io::Error {
    let [parent, program, rest @ ..] = arguments else {
        return io::Error::other("expected a process id and a program");
    };
    if let Err(error) = die_with_parent(parent) {
        return error;
    }
    let error = Command::new(program).args(rest).exec();
    io::Error::new(error.kind(), format!("cannot start {}: {error}", program.display()))
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
