//! Files mounted over the machine's in a task's mount namespace, and the directory of its Envoy.
//!
//! Mounts are visible only in the task. They need no permission on the directory of the source, so Envoy, which runs as
//! another user, can read files in a private directory.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, chown, fchown};
use std::path::{Path, PathBuf};

use super::netns_init::Mount;
use super::{User, addresses};

const HOSTS: &str = "/etc/hosts";
const RESOLVER: &str = "/etc/resolv.conf";
/// Replaced to disable resolver services of the machine (systemd's, Avahi's), which would use the machine's network.
/// Does not exist with musl, which uses none.
const SWITCH: &str = "/etc/nsswitch.conf";
/// Replaced to disable the C library's name service cache, which would be the machine's.
const CACHE: &str = "/var/run/nscd";
/// Envoy's bootstrap file, in the task's directory and, mounted, in Envoy's own.
pub(crate) const BOOTSTRAP: &str = "envoy.json";

/// Writes a task's files to `dir`, replacing those of its previous run, and returns their mounts. `names` are
/// additional entries of its `/etc/hosts`.
///
/// # Errors
///
/// If a file cannot be written. The error contains its path.
pub(crate) fn write(dir: &Path, own: Ipv4Addr, names: &[(Ipv4Addr, String)]) -> io::Result<Vec<Mount>> {
    // Programs resolve the machine's host name to find their own address.
    let machine = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let mut mounts = vec![
        file(dir, HOSTS, &hosts(own, machine.trim(), names))?,
        file(dir, RESOLVER, &resolver())?,
    ];
    if let Ok(machine) = fs::read_to_string(SWITCH) {
        mounts.push(file(dir, SWITCH, &switch(&machine))?);
    }
    if Path::new(CACHE).is_dir() {
        let empty = dir.join("no-nscd");
        fs::create_dir_all(&empty).map_err(|error| named(&empty, &error))?;
        mounts.push(Mount {
            file: empty,
            over: CACHE.into(),
        });
    }
    Ok(mounts)
}

/// A file of the same name that is readable by all users in the task, independent of the `umask`.
fn file(dir: &Path, over: &str, text: &str) -> io::Result<Mount> {
    let over = PathBuf::from(over);
    let file = dir.join(over.file_name().unwrap_or_default());
    readable(&file, text)?;
    Ok(Mount { file, over })
}

fn readable(file: &Path, text: &str) -> io::Result<()> {
    fs::write(file, text)
        .and_then(|()| fs::set_permissions(file, Permissions::from_mode(0o644)))
        .map_err(|error| named(file, &error))
}

fn hosts(own: Ipv4Addr, machine: &str, names: &[(Ipv4Addr, String)]) -> String {
    let mut text = "127.0.0.1 localhost\n".to_owned();
    if !machine.is_empty() {
        text.push_str(&format!("{own} {machine}\n"));
    }
    for (address, name) in names {
        text.push_str(&format!("{address} {name}\n"));
    }
    text
}

fn resolver() -> String {
    format!("nameserver {}\n", addresses::BRIDGE)
}

/// The machine's file with another source of host names.
fn switch(machine: &str) -> String {
    let others = machine.lines().filter(|line| !line.trim_start().starts_with("hosts:"));
    others
        .chain(["hosts: files dns"])
        .flat_map(|line| [line, "\n"])
        .collect()
}

/// The directory of a task's Envoy, which runs as a user of its own: its output files, and mounts of its input files.
/// Once created, only Envoy's user writes to it; this process never follows links in it, which could abuse its
/// privileges.
#[derive(Debug, Clone)]
pub(crate) struct EnvoyDir(PathBuf);

impl EnvoyDir {
    /// Creates the directory, accessible only to Envoy's `user` and to root, and in it the file with its token for the control
    /// plane, if it has one. Its path should be short, as it contains a socket.
    ///
    /// # Errors
    ///
    /// If it cannot be created, or if Envoy cannot reach it.
    pub(crate) fn create(path: PathBuf, user: User, xds_token: Option<&str>) -> io::Result<Self> {
        for dir in path.ancestors().skip(1) {
            let mode = dir.metadata().map_err(|error| named(dir, &error))?.permissions().mode();
            if mode & 0o001 == 0 {
                let message = format!(
                    "Envoy runs as user {} and cannot enter {}; set TMPDIR to a directory that all users can enter",
                    user.id,
                    dir.display()
                );
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
            }
        }
        let dir = Self(path);
        fs::create_dir(&dir.0)
            .and_then(|()| fs::set_permissions(&dir.0, Permissions::from_mode(0o700)))
            .and_then(|()| File::create_new(dir.executable()))
            .and_then(|_| File::create_new(dir.bootstrap()))
            .and_then(|_| xds_token.map_or(Ok(()), |token| write_private(&dir.xds_token(), token, user)))
            .and_then(|()| chown(&dir.0, Some(user.id), Some(user.group)))
            .map_err(|error| named(&dir.0, &error))?;
        Ok(dir)
    }

    /// Mounts Envoy's executable at [`EnvoyDir::executable`], and the file [`BOOTSTRAP`] in the task's directory `task`
    /// at [`EnvoyDir::bootstrap`]. Both sources may be private to this user. The file is created here; later writes to
    /// it are visible through the mount.
    ///
    /// # Errors
    ///
    /// If the file cannot be created. The error contains its path.
    pub(crate) fn mounts(&self, envoy: &Path, task: &Path) -> io::Result<[Mount; 2]> {
        let bootstrap = task.join(BOOTSTRAP);
        readable(&bootstrap, "")?;
        Ok([
            Mount {
                file: envoy.to_owned(),
                over: self.executable(),
            },
            Mount {
                file: bootstrap,
                over: self.bootstrap(),
            },
        ])
    }

    /// Envoy's executable, inside the task.
    pub(crate) fn executable(&self) -> PathBuf {
        self.0.join("envoy")
    }

    /// Envoy's bootstrap file, inside the task.
    pub(crate) fn bootstrap(&self) -> PathBuf {
        self.0.join(BOOTSTRAP)
    }

    /// The file with its token for the control plane.
    pub(crate) fn xds_token(&self) -> PathBuf {
        self.0.join("xds-token.json")
    }

    /// The socket of Envoy's admin interface.
    pub(crate) fn admin_socket(&self) -> PathBuf {
        self.0.join("a.sock")
    }

    /// The socket on which a load balancer accepts the connections of another network.
    pub(crate) fn entrance_socket(&self, port: u16) -> PathBuf {
        self.0.join(format!("{port}.sock"))
    }

    /// Envoy's access log.
    pub(crate) fn access_log(&self) -> PathBuf {
        self.0.join("access.jsonl")
    }
}

/// Writes a new file that only this user can read.
fn write_private(path: &Path, content: &str, user: User) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content.as_bytes())?;
    fchown(&file, Some(user.id), Some(user.group))
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_contains_the_task_and_its_endpoints() {
        let endpoints = [(Ipv4Addr::new(127, 255, 0, 1), "blue".to_owned())];
        assert_eq!(
            hosts(Ipv4Addr::new(10, 77, 0, 2), "machine", &endpoints),
            "127.0.0.1 localhost\n10.77.0.2 machine\n127.255.0.1 blue\n"
        );
        assert_eq!(hosts(Ipv4Addr::new(10, 77, 0, 2), "", &[]), "127.0.0.1 localhost\n");
        assert_eq!(resolver(), "nameserver 10.77.0.1\n");
    }

    #[test]
    fn host_names_are_resolved_from_files_and_dns_only() {
        let machine = "passwd: files systemd\nhosts: files resolve [!UNAVAIL=return] dns\nnetworks: files\n";
        assert_eq!(
            switch(machine),
            "passwd: files systemd\nnetworks: files\nhosts: files dns\n"
        );
    }

    #[test]
    fn a_directory_that_envoy_cannot_reach_is_rejected() {
        let closed = tempfile::tempdir().expect("a directory");
        fs::set_permissions(closed.path(), Permissions::from_mode(0o700)).expect("it is ours");
        let error = EnvoyDir::create(closed.path().join("1"), super::super::ENVOY, None)
            .expect_err("only its owner may enter it");
        let message = error.to_string();
        let expected = format!("Envoy runs as user 1337 and cannot enter {};", closed.path().display());
        assert!(message.starts_with(&expected), "{message}");
    }
}
