//! Stubs of `kernel.rs` for systems without network namespaces.

use std::io;
use std::path::Path;

use super::User;

pub(super) fn unshare_network() -> io::Result<()> {
    Err(unsupported())
}

pub(super) fn unshare_mounts() -> io::Result<()> {
    Err(unsupported())
}

pub(super) fn setns_network(_pid: u32) -> io::Result<()> {
    Err(unsupported())
}

pub(super) fn setns_mounts(_pid: u32) -> io::Result<()> {
    Err(unsupported())
}

pub(super) fn bind_mount(_file: &Path, _over: &Path) -> io::Result<()> {
    Err(unsupported())
}

pub(super) fn setuid(_user: User) -> io::Result<()> {
    Err(unsupported())
}

fn unsupported() -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        "network namespaces are only supported on Linux",
    )
}
