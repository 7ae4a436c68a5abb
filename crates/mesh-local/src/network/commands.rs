//! Runs the programs that configure a network namespace: `ip` of iproute2 and `iptables-restore`.
//!
//! They are called with argument lists, never through a shell. Errors contain the command and its output.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Configures links and addresses.
pub(super) const IP: &str = "ip";
/// Applies iptables rules.
pub(super) const RESTORE: &str = "iptables-restore";

/// Directories of both programs that are not in the `PATH` of ordinary users on some systems.
const SBIN: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// The path of a program, in `path` (a `PATH`) or in one of [`SBIN`].
pub(super) fn find(program: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    let own = path.into_iter().flat_map(std::env::split_paths);
    own.chain(SBIN.map(PathBuf::from))
        .map(|dir| dir.join(program))
        .find(|file| {
            file.metadata()
                .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
        })
}

/// Runs `ip` with these arguments, separated by spaces. No argument contains a space.
pub(super) fn ip(arguments: &str) -> io::Result<()> {
    let arguments: Vec<&str> = arguments.split(' ').collect();
    run(IP, &arguments, "")
}

/// Adds rules, in the format of `iptables-restore`, to the network namespace of this thread.
pub(super) fn restore(rules: &str) -> io::Result<()> {
    run(RESTORE, &["--noflush", "--wait"], rules)
        .map_err(|error| io::Error::new(error.kind(), format!("{error}\nrules:\n{rules}")))
}

fn run(program: &str, arguments: &[&str], input: &str) -> io::Result<()> {
    let call = format!("`{program} {}`", arguments.join(" "));
    let failed = |error: io::Error| io::Error::new(error.kind(), format!("{call} failed: {error}"));
    let path = find(program, std::env::var_os("PATH").as_deref()).unwrap_or_else(|| program.into());
    let mut child = Command::new(path)
        .args(arguments)
        // The legacy iptables locks a file that root of a user namespace cannot open. Each network namespace has its
        // own tables, and only this process changes them.
        .env("XTABLES_LOCKFILE", "/dev/null")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends before reading everything explains that on standard error.
        let _not_read = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(failed)?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let message = format!("{call} failed ({}): {}", output.status, stderr.trim());
    Err(io::Error::other(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_in_path_first_and_must_be_executable() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("ip");
        std::fs::write(&file, "").expect("the directory is new");
        let path = Some(dir.path().as_os_str());
        assert_ne!(find("ip", path), Some(file.clone()));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
        assert_eq!(find("ip", path), Some(file));
        assert_eq!(find("no-such-program", path), None);
    }

    #[test]
    fn errors_contain_the_command_and_its_output() {
        let error = ip("link show nothing0").expect_err("there is no such link").to_string();
        assert!(
            error.starts_with("`ip link show nothing0` failed (exit status: 1): "),
            "{error}"
        );
        assert!(error.contains("\"nothing0\" does not exist"), "{error}");
    }
}
