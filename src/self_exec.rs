//! The program as its own children.
//!
//! What a runner starts as a container of the demo service, and what it starts everything through, is its own
//! executable once more, under a first argument of its own. That keeps a single `cargo run` enough to have
//! services to run. [`crate::run`] sees to it; whoever uses [`mesh_local::LocalMesh`] without it calls [`run`]
//! first thing in `main`.

use std::ffi::OsString;
use std::process::ExitCode;

use mesh_local::launcher::exec_program;
use mesh_local::{Image, Images, Launcher};

/// The image name of the demo service.
pub const DEMO_SERVICE_IMAGE: &str = "meshwright/demo-service";

const DEMO_SERVICE: &str = "__demo-service";
const LAUNCH: &str = "__launch";

/// Does the child's work and gives its exit code, if this process was started as a child of one like it.
/// Otherwise `None`, and the program goes on as itself.
#[must_use]
pub fn run() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let first = arguments.next()?;
    let rest: Vec<OsString> = arguments.collect();
    match first.to_str()? {
        DEMO_SERVICE => Some(demo_service::main_of_runner(rest)),
        LAUNCH => {
            eprintln!("error: {}", exec_program(&rest));
            Some(ExitCode::FAILURE)
        }
        _ => None,
    }
}

/// Starts children through this executable, so that they do not outlive it.
#[must_use]
pub fn launcher() -> Launcher {
    Launcher::new([own_executable(), LAUNCH.into()])
}

/// The images that every program knows: the demo service, under [`DEMO_SERVICE_IMAGE`].
#[must_use]
pub fn known_images() -> Images {
    Images::default().with(DEMO_SERVICE_IMAGE, demo_service())
}

/// The same, and the demo service in place of every image that is not known otherwise.
pub(crate) fn known_images_and_stub() -> Images {
    known_images().with_stub(demo_service(), "SERVICE_PORT")
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

    /// Nothing here takes a second; what takes longer than this would take forever.
    const TOO_LONG: Duration = Duration::from_secs(60);

    /// The binary of this package: these tests have a `main` of their own, which is no service.
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

    /// How the demo service ends as the runner's child, and what it logs, when it gets SIGTERM.
    async fn stopped(variables: &[(&str, &str)]) -> (ExitStatus, String) {
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
        let read = timeout(TOO_LONG, stdout.read_line(&mut start_line)).await;
        read.expect("it starts soon").expect("it says so");
        let pid = service.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        kill_process(pid.expect("it runs"), Signal::TERM).expect("it can be signalled");
        let ended = timeout(TOO_LONG, service.wait_with_output()).await;
        let output = ended.expect("it ends soon").expect("it is waited for");
        (output.status, String::from_utf8(output.stderr).expect("it logs UTF-8"))
    }

    #[tokio::test]
    async fn a_service_that_this_program_deregistered_stops_at_once_unless_it_is_told_otherwise() {
        let waits = "requests are taken until everybody knows";
        let (status, log) = stopped(&[]).await;
        assert!(status.success() && log.contains("requests in flight finish"), "{log}");
        assert!(!log.contains(waits), "{log}");

        let (status, log) = stopped(&[("SERVICE_DEREGISTRATION", "50ms")]).await;
        assert!(status.success(), "{log}");
        assert!(log.contains(waits) && log.contains("wait=50ms"), "{log}");
    }
}
