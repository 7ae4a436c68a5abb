//! ContainerSource the programs that set up a network: `ip` of iproute2 and `iptables-restore`.
//!
//! They are called with lists of arguments, never through a shell. A failure quotes the call and what the program
//! said of it.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Makes links and gives addresses.
pub(super) const IP: &str = "ip";
/// Takes rules as text.
pub(super) const RESTORE: &str = "iptables-restore";

/// Where the two are on systems whose users do not have these folders in their `PATH`.
const FOLDERS: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// The place of a program, in `path` (a `PATH`) or where programs for the system's owner are.
pub(super) fn find(program: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    let own = path.into_iter().flat_map(std::env::split_paths);
    own.chain(FOLDERS.map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| {
            file.metadata()
                .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
        })
}

/// ContainerSource `ip` with these arguments, separated by spaces. None of them has a space in it.
pub(super) fn ip(arguments: &str) -> io::Result<()> {
    let arguments: Vec<&str> = arguments.split(' ').collect();
    run(IP, &arguments, "")
}

/// Applies rules, in the language of `iptables-restore`, to the network of this thread. Those there are stay.
pub(super) fn restore(rules: &str) -> io::Result<()> {
    run(RESTORE, &["--noflush", "--wait"], rules)
        .map_err(|error| io::Error::new(error.kind(), format!("{error}\nof the rules\n{rules}")))
}

fn run(program: &str, arguments: &[&str], input: &str) -> io::Result<()> {
    let call = format!("`{program} {}`", arguments.join(" "));
    let failed = |error: io::Error| io::Error::new(error.kind(), format!("{call} failed: {error}"));
    let path = find(program, std::env::var_os("PATH").as_deref()).unwrap_or_else(|| program.into());
    let mut child = Command::new(path)
        .args(arguments)
        // The older of the two kinds of iptables locks a file that a user namespace's root may not open. Each network
        // has tables of its own, and nobody else is in this one.
        .env("XTABLES_LOCKFILE", "/dev/null")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends before it has read everything says why.
        let _not_read = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(failed)?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let message = format!("{call} failed ({}): {}", output.status, words.trim());
    Err(io::Error::other(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_in_path_first_and_must_be_executable() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("ip");
        std::fs::write(&file, "").expect("the folder is new");
        let path = Some(folder.path().as_os_str());
        assert_ne!(find("ip", path), Some(file.clone()));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
        assert_eq!(find("ip", path), Some(file));
        assert_eq!(find("no-such-program", path), None);
    }

    #[test]
    fn a_failure_quotes_the_call_and_what_was_said() {
        let error = ip("link show nothing0").expect_err("there is no such link").to_string();
        assert!(
            error.starts_with("`ip link show nothing0` failed (exit status: 1): "),
            "{error}"
        );
        assert!(error.contains("\"nothing0\" does not exist"), "{error}");
    }
}
