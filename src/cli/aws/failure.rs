//! Why a deployment failed: the error, then the ECS services that it did not complete.
//!
//! A rollback deletes the stack's log groups. So the lines are part of the message, and if it shows them in part only, all
//! that were read are in a file: CloudFormation has no deletion policy that keeps a log group after a failed creation and
//! lets the next creation have its name.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;

use mesh_infra::deploy::{Error, ServiceDiagnosis};
use uuid::Uuid;

use crate::console::Console;

/// The error, and below it the diagnoses of ECS services.
pub(super) fn text(error: &Error) -> String {
    let services = error.services().iter().map(|service| format!("\n{service}"));
    std::iter::once(error.to_string()).chain(services).collect()
}

/// Writes the log lines of stopped tasks to a file and prints its path, if the message shows them in part only.
pub(super) fn save_logs(stack: &str, error: &Error, console: &Console) {
    if !error.services().iter().any(ServiceDiagnosis::has_more_log) {
        return;
    }
    let log: String = error.services().iter().map(ServiceDiagnosis::full_log).collect();
    console.progress(&match save(stack, &log) {
        Ok(path) => format!("{stack}: the logs of its stopped tasks are in {}", path.display()),
        Err(error) => format!("{stack}: the logs of its stopped tasks cannot be saved: {error}"),
    });
}

/// A file that only this user can read: logs may contain secrets.
fn save(stack: &str, log: &str) -> io::Result<PathBuf> {
    let path = std::env::temp_dir().join(format!("meshwright-{stack}-{}.log", Uuid::new_v4().simple()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&path)?.write_all(log.as_bytes())?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_saved_log_is_readable_by_its_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;

        let path = save("shop", "secret\n").unwrap();
        let mode = path.metadata().unwrap().permissions().mode();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!((mode & 0o777, text.as_str()), (0o600, "secret\n"));
        assert!(
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("meshwright-shop-")
        );
    }
}
