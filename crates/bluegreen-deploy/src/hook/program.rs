//! Finds the program of a command, before the rollout that runs it begins.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Checks that a program can be started: a path, relative to the current directory, or a name in a directory of `PATH`.
///
/// # Errors
///
/// The reason, without the path, which may be secret.
pub(super) fn check(program: &str) -> Result<(), &'static str> {
    if program.contains('/') {
        return match Path::new(program).metadata() {
            Err(_) => Err("there is no such file"),
            Ok(_) if is_executable(Path::new(program)) => Ok(()),
            Ok(_) => Err("it is not an executable file"),
        };
    }
    // Without `PATH`, the directories are those of the C library.
    let Some(path) = std::env::var_os("PATH") else {
        return Ok(());
    };
    let is_in = |directory: std::path::PathBuf| is_executable(&directory.join(program));
    match std::env::split_paths(&path).any(is_in) {
        true => Ok(()),
        false => Err("no directory of PATH has it"),
    }
}

fn is_executable(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_files_or_in_path() {
        let directory = tempfile::tempdir().expect("a directory");
        let script = directory.path().join("smoke-test");
        let script = script.to_str().expect("UTF-8");
        assert_eq!(check(script), Err("there is no such file"));
        std::fs::write(script, "#!/bin/sh\n").expect("it is written");
        assert_eq!(check(script), Err("it is not an executable file"));
        std::fs::set_permissions(script, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
        assert_eq!(check(script), Ok(()));
        assert_eq!(
            check(directory.path().to_str().expect("UTF-8")),
            Err("it is not an executable file")
        );
        assert_eq!(check("sh"), Ok(()));
        assert_eq!(
            check("no-such-program-of-meshwright"),
            Err("no directory of PATH has it")
        );
    }
}
