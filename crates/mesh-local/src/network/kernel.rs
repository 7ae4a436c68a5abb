//! What only Linux's kernel does: namespaces, bind mounts, and becoming another user for good.
//!
//! Everything else of [`crate::network`] is built on these few calls. `elsewhere.rs` has the same ones for other
//! systems, where they fail.

use std::fs::File;
use std::io;
use std::path::Path;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::{self, Gid, Uid, setgid, setgroups};

use super::User;

/// Gives this thread an empty network of its own.
pub(super) fn unshare_network() -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNET).map_err(|error| refused("making a network namespace", error))
}

/// Gives this process, which must have only this thread, mounts of its own. What it mounts is seen by nobody else.
pub(super) fn unshare_mounts() -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS).map_err(|error| refused("making a mount namespace", error))?;
    let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, flags, None::<&str>).map_err(|error| refused("making mounts private", error))
}

/// Moves this thread into the network of a process. Programs that it starts are there, too.
pub(super) fn setns_network(pid: u32) -> io::Result<()> {
    enter(pid, "net", CloneFlags::CLONE_NEWNET)
}

/// Moves this thread to the mounts of a process, and back to its working directory there.
pub(super) fn setns_mounts(pid: u32) -> io::Result<()> {
    let here = std::env::current_dir()?;
    // The kernel refuses a thread that shares its root and working directory with others.
    unshare(CloneFlags::CLONE_FS).map_err(|error| refused("parting from other threads", error))?;
    enter(pid, "mnt", CloneFlags::CLONE_NEWNS)?;
    std::env::set_current_dir(&here)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot go back to {}: {error}", here.display())))
}

fn enter(pid: u32, kind: &str, flag: CloneFlags) -> io::Result<()> {
    let path = format!("/proc/{pid}/ns/{kind}");
    let failed = |error: io::Error| io::Error::new(error.kind(), format!("cannot enter {path}: {error}"));
    let namespace = File::open(&path).map_err(failed)?;
    setns(namespace, flag).map_err(|error| failed(error.into()))
}

/// Lets `over` show what `file` is.
pub(super) fn bind(file: &Path, over: &Path) -> io::Result<()> {
    mount(Some(file), over, None::<&str>, MsFlags::MS_BIND, None::<&str>)
        .map_err(|error| refused(&format!("mounting {} over {}", file.display(), over.display()), error))
}

/// Becomes another user for good, without this one's supplementary groups.
pub(super) fn setuid(user: User) -> io::Result<()> {
    // In this order: who is no longer root may change neither groups nor group.
    setgroups(&[]).map_err(|error| refused("leaving all groups", error))?;
    setgid(Gid::from_raw(user.group)).map_err(|error| refused(&format!("joining group {}", user.group), error))?;
    unistd::setuid(Uid::from_raw(user.id)).map_err(|error| refused(&format!("becoming user {}", user.id), error))
}

fn refused(what: &str, error: nix::Error) -> io::Error {
    let error = io::Error::from(error);
    io::Error::new(error.kind(), format!("{what} failed: {error}"))
}
