//! Child processes that run this executable: containers of the demo service, and the launcher of all children.
//!
//! The executable starts itself again with a hidden first argument, so that a single `cargo run` has services to run.
//! [`crate::run`] handles this; a program that uses [`mesh_local::LocalMesh`] directly calls [`run`] first in `main`.

use std::ffi::OsString;
use std::process::ExitCode;

use mesh_local::launcher::exec_program;
use mesh_local::{Image, Images, Launcher};

/// The image name of the demo service.
pub const DEMO_SERVICE_IMAGE: &str = "meshwright/demo-service";

const DEMO_SERVICE: &str = "__demo-service";
const LAUNCH: &str = "__launch";

/// Does the work of a child and returns its exit code, if this process was started as one. Otherwise returns `None`, and
/// the program continues.
#[must_use]
pub fn run() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let first = arguments.next()?;
    let rest: Vec<OsString> = arguments.collect();
    match first.to_str()? {
        DEMO_SERVICE => Some(demo_service::main_for_runner(rest)),
        LAUNCH => {
            eprintln!("error: {}", exec_program(&rest));
            Some(ExitCode::FAILURE)
        }
        _ => None,
    }
}

/// A launcher that starts children through this executable, so that they do not outlive it.
#[must_use]
pub fn launcher() -> Launcher {
    Launcher::new([own_executable(), LAUNCH.into()])
}

/// The images known to every program: the demo service as [`DEMO_SERVICE_IMAGE`].
#[must_use]
pub fn known_images() -> Images {
    Images::default().with(DEMO_SERVICE_IMAGE, demo_service())
}

/// The known images, and the demo service in place of every unknown image.
pub(crate) fn known_images_and_stub() -> Images {
    known_images().with_stub(demo_service(), "SERVICE_PORT")
}

/// The name of this program, which names its mesh.
pub(crate) fn program_name() -> String {
    let own = own_executable();
    let name = std::path::Path::new(&own).file_stem().unwrap_or(&own);
    name.to_string_lossy().into_owned()
}

fn demo_service() -> Image {
    let command = [own_executable(), DEMO_SERVICE.into()];
    Image::new(command.clone())
        .with_program("demo-service", command)
        .with_bind_variable("SERVICE_BIND")
}

fn own_executable() -> OsString {
    #[cfg(test)]
    let own = tests::built();
    #[cfg(not(test))]
    let own = std::env::current_exe();
    own.map_or_else(|_| OsString::from("meshwright"), OsString::from)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::{Path, PathBuf};
    use std::process::{ExitStatus, Stdio};
    use std::time::Duration;

    use rustix::process::{Pid, Signal, kill_process};
    use tokio::io::{AsyncBufReadExt as _, BufReader};
    use tokio::process::Command;
    use tokio::time::timeout;

    /// Far longer than anything here takes.
    const TIMEOUT: Duration = Duration::from_secs(60);

    /// The binary of this package. The executable of these tests has a `main` of its own and cannot be a service.
    pub(super) fn built() -> io::Result<PathBuf> {
        let own = std::env::current_exe()?;
        let folder = own
            .parent()
            .and_then(Path::parent)
            .expect("target/<profile>/deps/<test>");
        let built = folder.join("meshwright");
        assert!(
            built.exists(),
            "{} is missing: `cargo test --lib` alone does not build it, `cargo test` does",
            built.display()
        );
        Ok(built)
    }

    /// Exit status and log of the demo service as the runner's child after SIGTERM.
    async fn run_until_sigterm(variables: &[(&str, &str)]) -> (ExitStatus, String) {
        let mut service = Command::new(built().expect("this test has a path"))
            .arg(super::DEMO_SERVICE)
            .env_clear()
            .env("SERVICE_PORT", "0")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("it starts");
        let mut stdout = BufReader::new(service.stdout.take().expect("it is piped"));
        let mut start_line = String::new();
        let read = timeout(TIMEOUT, stdout.read_line(&mut start_line)).await;
        read.expect("it starts in time").expect("it prints a line");
        let pid = service.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        kill_process(pid.expect("it runs"), Signal::TERM).expect("it can be signalled");
        let ended = timeout(TIMEOUT, service.wait_with_output()).await;
        let output = ended.expect("it ends in time").expect("it can be waited for");
        (output.status, String::from_utf8(output.stderr).expect("it logs UTF-8"))
    }

    #[tokio::test]
    async fn a_service_of_the_runner_skips_the_deregistration_wait_by_default() {
        let waits = "waiting for deregistration";
        let (status, log) = run_until_sigterm(&[]).await;
        assert!(
            status.success() && log.contains("finishing requests in flight"),
            "{log}"
        );
        assert!(!log.contains(waits), "{log}");

        let (status, log) = run_until_sigterm(&[("SERVICE_DEREGISTRATION", "50ms")]).await;
        assert!(status.success(), "{log}");
        assert!(log.contains(waits) && log.contains("wait=50ms"), "{log}");
    }
}
