//! What `kernel.rs` does on Linux, where there is none of it.

use std::io;
use std::path::Path;

use super::User;

pub(super) fn leave_network() -> io::Result<()> {
    Err(unsupported())
}

pub(super) fn leave_mounts() -> io::Result<()> {
    Err(unsupported())
}

pub(super) fn enter_network(_pid: u32) -> io::Result<()> {
    Err(unsupported())
}

pub(super) fn enter_mounts(_pid: u32) -> io::Result<()> {
    Err(unsupported())
}

pub(super) fn bind(_file: &Path, _over: &Path) -> io::Result<()> {
    Err(unsupported())
}

pub(super) fn become_user(_user: User) -> io::Result<()> {
    Err(unsupported())
}

fn unsupported() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "only Linux has network namespaces")
}
