//! Linux system calls: namespaces, bind mounts, and setuid.
//!
//! The rest of [`crate::network`] is built on these. `unsupported.rs` has the same functions for other systems, where
//! they fail.

use std::fs::File;
use std::io;
use std::path::Path;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::{self, Gid, Uid, setgid, setgroups};

use super::User;

/// Moves this thread to a new, empty network namespace.
pub(super) fn unshare_network() -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNET).map_err(|error| failed("unshare(CLONE_NEWNET)", error))
}

/// Moves this process, which must have a single thread, to a private mount namespace.
pub(super) fn unshare_mounts() -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS).map_err(|error| failed("unshare(CLONE_NEWNS)", error))?;
    let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, flags, None::<&str>).map_err(|error| failed("making mounts private", error))
}

/// Moves this thread to the network namespace of a process. Programs that it starts inherit it.
pub(super) fn setns_network(pid: u32) -> io::Result<()> {
    enter(pid, "net", CloneFlags::CLONE_NEWNET)
}

/// Moves this thread to the mount namespace of a process, and back to its working directory there.
pub(super) fn setns_mounts(pid: u32) -> io::Result<()> {
    let here = std::env::current_dir()?;
    // The kernel rejects threads that share their root and working directory with others.
    unshare(CloneFlags::CLONE_FS).map_err(|error| failed("unshare(CLONE_FS)", error))?;
    enter(pid, "mnt", CloneFlags::CLONE_NEWNS)?;
    std::env::set_current_dir(&here).map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("cannot change directory to {}: {error}", here.display()),
        )
    })
}

fn enter(pid: u32, kind: &str, flag: CloneFlags) -> io::Result<()> {
    let path = format!("/proc/{pid}/ns/{kind}");
    let failed = |error: io::Error| io::Error::new(error.kind(), format!("cannot enter {path}: {error}"));
    let namespace = File::open(&path).map_err(failed)?;
    setns(namespace, flag).map_err(|error| failed(error.into()))
}

/// Bind-mounts `file` over `over`.
pub(super) fn bind_mount(file: &Path, over: &Path) -> io::Result<()> {
    mount(Some(file), over, None::<&str>, MsFlags::MS_BIND, None::<&str>)
        .map_err(|error| failed(&format!("mounting {} over {}", file.display(), over.display()), error))
}

/// Changes user and group permanently, without supplementary groups.
pub(super) fn setuid(user: User) -> io::Result<()> {
    // In this order: without root, neither groups nor group can be changed.
    setgroups(&[]).map_err(|error| failed("setgroups", error))?;
    setgid(Gid::from_raw(user.group)).map_err(|error| failed(&format!("setgid({})", user.group), error))?;
    unistd::setuid(Uid::from_raw(user.id)).map_err(|error| failed(&format!("setuid({})", user.id), error))
}

fn failed(what: &str, error: nix::Error) -> io::Error {
    let error = io::Error::from(error);
    io::Error::new(error.kind(), format!("{what} failed: {error}"))
}
