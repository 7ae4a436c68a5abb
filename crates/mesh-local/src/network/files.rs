//! The files that a task sees in place of the machine's, and the folder of its Envoy.
//!
//! Each is mounted over the machine's in the task's mount namespace only. That needs no permission for the folder in
//! which it lies, so Envoy, which is another user there, can read what lies in a folder that is closed to it.

use std::fs::{self, File, Permissions};
use std::io;
use std::net::Ipv4Addr;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use super::netns_init::Mount;
use super::{User, addresses};

const HOSTS: &str = "/etc/hosts";
const RESOLVER: &str = "/etc/resolv.conf";
/// Asks no resolver service of the machine (systemd's, Avahi's), which would answer for the machine's network.
/// Does not exist where the C library is musl, which asks none anyway.
const SWITCH: &str = "/etc/nsswitch.conf";
/// Where the C library looks for a cache of names, before it asks anybody else. It would be the machine's.
const CACHE: &str = "/var/run/nscd";
/// What Envoy starts from, in the task's folder and, for Envoy, in its own.
pub(crate) const BOOTSTRAP: &str = "envoy.json";

/// Writes a task's files to `folder`, over those of its former life, and says what is to be mounted where. `names` are
/// those of its `/etc/hosts` beside its own.
///
/// # Errors
///
/// If they cannot be written. The error names the file.
pub(crate) fn write(folder: &Path, own: Ipv4Addr, names: &[(Ipv4Addr, String)]) -> io::Result<Vec<Mount>> {
    // Programs look for the address of the machine that they think they are alone on.
    let machine = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let mut mounts = vec![
        file(folder, HOSTS, &hosts(own, machine.trim(), names))?,
        file(folder, RESOLVER, &resolver())?,
    ];
    if let Ok(machine) = fs::read_to_string(SWITCH) {
        mounts.push(file(folder, SWITCH, &switch(&machine))?);
    }
    if Path::new(CACHE).is_dir() {
        let empty = folder.join("no-nscd");
        fs::create_dir_all(&empty).map_err(|error| named(&empty, &error))?;
        mounts.push(Mount {
            file: empty,
            over: CACHE.into(),
        });
    }
    Ok(mounts)
}

/// A file of the same name, readable by everybody in the task, whatever this process's `umask` is.
fn file(folder: &Path, over: &str, text: &str) -> io::Result<Mount> {
    let over = PathBuf::from(over);
    let file = folder.join(over.file_name().unwrap_or_default());
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

/// The machine's file, but for where names of hosts are looked for.
fn switch(machine: &str) -> String {
    let others = machine.lines().filter(|line| !line.trim_start().starts_with("hosts:"));
    others
        .chain(["hosts: files dns"])
        .flat_map(|line| [line, "\n"])
        .collect()
}

/// The folder of a task's Envoy, which runs as a user of its own: what it writes, and, mounted there, what it reads.
/// Only Envoy's user writes to it once it is made: a link that this user put there would lead whoever may do more
/// astray.
#[derive(Debug, Clone)]
pub(crate) struct EnvoyDir(PathBuf);

impl EnvoyDir {
    /// Makes the folder, which nobody but Envoy, who is `user`, and this user can enter. Its path should be short, as it has a
    /// socket in it.
    ///
    /// # Errors
    ///
    /// If it cannot be made, or if Envoy cannot get there.
    pub(crate) fn create(path: PathBuf, user: User) -> io::Result<Self> {
        for folder in path.ancestors().skip(1) {
            let mode = folder
                .metadata()
                .map_err(|error| named(folder, &error))?
                .permissions()
                .mode();
            if mode & 0o001 == 0 {
                let message = format!(
                    "Envoy runs as user {} and may not enter {}; set TMPDIR to a folder that everybody can reach",
                    user.id,
                    folder.display()
                );
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
            }
        }
        let folder = Self(path);
        fs::create_dir(&folder.0)
            .and_then(|()| fs::set_permissions(&folder.0, Permissions::from_mode(0o700)))
            .and_then(|()| File::create_new(folder.executable()))
            .and_then(|_| File::create_new(folder.bootstrap()))
            .and_then(|_| chown(&folder.0, Some(user.id), Some(user.group)))
            .map_err(|error| named(&folder.0, &error))?;
        Ok(folder)
    }

    /// Brings Envoy's executable to where [`EnvoyDir::executable`] says, and the file [`BOOTSTRAP`] in `task`, the task's
    /// folder, to where [`EnvoyDir::bootstrap`] says. They may lie where only this user can go. The file is made here,
    /// and what is written to it later is seen.
    ///
    /// # Errors
    ///
    /// If it cannot be made. The error names it.
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

    /// Envoy, inside the task.
    pub(crate) fn executable(&self) -> PathBuf {
        self.0.join("envoy")
    }

    /// The file that Envoy starts from, inside the task.
    pub(crate) fn bootstrap(&self) -> PathBuf {
        self.0.join(BOOTSTRAP)
    }

    /// The socket of Envoy's admin page.
    pub(crate) fn admin_socket(&self) -> PathBuf {
        self.0.join("a.sock")
    }

    /// The file to which Envoy writes what passes.
    pub(crate) fn access_log(&self) -> PathBuf {
        self.0.join("access.jsonl")
    }
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_has_the_task_itself_and_its_endpoints() {
        let endpoints = [(Ipv4Addr::new(127, 255, 0, 1), "blue".to_owned())];
        assert_eq!(
            hosts(Ipv4Addr::new(10, 77, 0, 2), "machine", &endpoints),
            "127.0.0.1 localhost\n10.77.0.2 machine\n127.255.0.1 blue\n"
        );
        assert_eq!(hosts(Ipv4Addr::new(10, 77, 0, 2), "", &[]), "127.0.0.1 localhost\n");
        assert_eq!(resolver(), "nameserver 10.77.0.1\n");
    }

    #[test]
    fn names_of_hosts_are_looked_for_in_the_tasks_files_only() {
        let machine = "passwd: files systemd\nhosts: files resolve [!UNAVAIL=return] dns\nnetworks: files\n";
        assert_eq!(
            switch(machine),
            "passwd: files systemd\nnetworks: files\nhosts: files dns\n"
        );
    }

    #[test]
    fn a_folder_that_envoy_cannot_reach_is_refused() {
        let closed = tempfile::tempdir().expect("a folder");
        fs::set_permissions(closed.path(), Permissions::from_mode(0o700)).expect("it is ours");
        let error =
            EnvoyDir::create(closed.path().join("1"), super::super::ENVOY).expect_err("only its owner may enter it");
        let message = error.to_string();
        let expected = format!("Envoy runs as user 1337 and may not enter {};", closed.path().display());
        assert!(message.starts_with(&expected), "{message}");
    }
}
