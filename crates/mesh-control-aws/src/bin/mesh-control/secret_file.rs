//! Certificates and keys in environment variables, as ECS gives secrets to a container: files in memory.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::path::PathBuf;

use rustix::fs::{MemfdFlags, memfd_create};

/// The path of a file, or, for `env:NAME`, of an anonymous file with the value of this variable, which exists as long as the
/// process. It needs no writable directory, and no other user can read it.
pub(crate) fn path(option: &'static str, file: PathBuf) -> Result<PathBuf, String> {
    let Some(name) = file.to_str().and_then(|text| text.strip_prefix("env:")) else {
        return Ok(file);
    };
    let text = std::env::var(name).map_err(|_| format!("{option}: environment variable {name} is not set"))?;
    if !text.contains("-----BEGIN ") {
        return Err(format!(
            "{option}: environment variable {name} is not PEM; expected -----BEGIN …-----"
        ));
    }
    let written = memfd_create(name, MemfdFlags::CLOEXEC)
        .map_err(Into::into)
        .and_then(|fd| {
            let mut file = File::from(fd);
            file.write_all(text.as_bytes()).map(|()| file)
        });
    let file = written.map_err(|error| format!("{option}: cannot keep the value of {name} in memory: {error}"))?;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    // Open until the process ends.
    std::mem::forget(file);
    Ok(path.into())
}
