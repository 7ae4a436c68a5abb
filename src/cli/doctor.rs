//! `doctor`: checks what this machine has, and what it is needed for.

use std::env;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use envoy_install::{Envoy, HostEnv};
use mesh_local::Network;
use serde::Serialize;

use crate::console::{Console, OutputError, print};

/// Version of the JSON document.
const JSON_VERSION: u32 = 1;
/// The path of a Unix socket has at most this many bytes on Linux, and four fewer on macOS.
const MAX_SOCKET_PATH: usize = 103;
/// The longest path below TMPDIR of a socket of a mesh.
const SOCKET_BELOW_TMPDIR: &str = "/meshwright-XXXXXX/10000.sock";

/// Why `doctor` failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DoctorError {
    #[error("this machine cannot run a mesh: {0}")]
    Missing(String),
    #[error(transparent)]
    Output(#[from] OutputError),
}

/// One check.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Check {
    name: &'static str,
    needed_for: &'static str,
    /// Whether no mesh runs without it.
    is_required: bool,
    #[serde(flatten)]
    finding: Finding,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "result", content = "detail")]
enum Finding {
    Found(String),
    Missing(String),
}

/// Makes all checks and prints them, as JSON if asked.
pub(crate) fn run(json: bool) -> Result<(), DoctorError> {
    let checks = checks(&Console::new());
    if json {
        let document = serde_json::json!({ "version": JSON_VERSION, "checks": checks });
        print(&format!("{document:#}"))?;
    } else {
        print(&text(&checks))?;
    }
    let missing = checks.iter().filter(|check| check.is_required);
    let missing = missing.filter(|check| matches!(check.finding, Finding::Missing(_)));
    let missing: Vec<&str> = missing.map(|check| check.name).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(DoctorError::Missing(missing.join(", "))),
    }
}

fn checks(console: &Console) -> Vec<Check> {
    let check = |name, needed_for, is_required, finding| Check {
        name,
        needed_for,
        is_required,
        finding,
    };
    vec![
        check(
            "Envoy",
            "running a mesh; installed with Python's pip unless there is one",
            true,
            envoy(console),
        ),
        check("loopback ports", "addresses of tasks", true, loopback()),
        check(
            "temporary directory",
            "logs and sockets",
            true,
            temporary_directory(&env::temp_dir()),
        ),
        check(
            "network namespaces",
            "--network namespaces",
            false,
            match Network::Namespaces.check() {
                Ok(()) => Finding::Found("available".to_owned()),
                Err(error) => Finding::Missing(error.to_string()),
            },
        ),
        check(
            "Rust",
            "building services, and this project",
            false,
            version("cargo", "--version"),
        ),
        check("Docker", "meshwright images", false, docker()),
        check(
            "AWS credentials",
            "deploy, diff, destroy; found, not tried",
            false,
            aws_credentials(),
        ),
    ]
}

fn envoy(console: &Console) -> Finding {
    let found = Envoy::locate(&HostEnv::from_env(), &mut |step| console.progress(&step.to_string()));
    match found {
        Ok(envoy) => Finding::Found(format!("{} at {}", envoy.version, envoy.path.display())),
        Err(error) => Finding::Missing(error.to_string()),
    }
}

fn loopback() -> Finding {
    match TcpListener::bind(("127.0.0.1", 0)) {
        Ok(_) => Finding::Found("127.0.0.1 can be used".to_owned()),
        Err(error) => Finding::Missing(format!("cannot listen at 127.0.0.1: {error}")),
    }
}

fn temporary_directory(directory: &Path) -> Finding {
    let shown = directory.display();
    if directory.as_os_str().len() + SOCKET_BELOW_TMPDIR.len() > MAX_SOCKET_PATH {
        return Finding::Missing(format!(
            "{shown} is too long for the paths of Unix sockets; set TMPDIR to a shorter one"
        ));
    }
    match tempfile_in(directory) {
        Ok(()) => Finding::Found(shown.to_string()),
        Err(error) => Finding::Missing(format!(
            "cannot write to {shown}: {error}; set TMPDIR to another directory"
        )),
    }
}

/// Creates a run directory, and removes it.
fn tempfile_in(directory: &Path) -> io::Result<()> {
    mesh_local::RunDir::create(directory, mesh_local::DirAccess::Owner).map(drop)
}

/// The first line that a program prints of its version.
fn version(program: &str, argument: &str) -> Finding {
    let child = Command::new(program)
        .arg(argument)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let read = child.and_then(|mut child| {
        let mut text = String::new();
        if let Some(output) = child.stdout.take() {
            output.take(4096).read_to_string(&mut text)?;
        }
        child.wait()?;
        Ok(text)
    });
    match read {
        Ok(text) => Finding::Found(text.lines().next().unwrap_or_default().to_owned()),
        Err(error) => Finding::Missing(format!("cannot run `{program}`: {error}")),
    }
}

fn docker() -> Finding {
    let socket = match env::var("DOCKER_HOST") {
        Ok(host) => match host.strip_prefix("unix://") {
            Some(path) => PathBuf::from(path),
            None => return Finding::Found(format!("DOCKER_HOST={host}, not tried")),
        },
        Err(_) => PathBuf::from("/var/run/docker.sock"),
    };
    match UnixStream::connect(&socket) {
        Ok(_) => Finding::Found(format!("an engine listens at {}", socket.display())),
        Err(error) => Finding::Missing(format!("cannot connect to {}: {error}", socket.display())),
    }
}

fn aws_credentials() -> Finding {
    let is_set = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let variables = [
        "AWS_ACCESS_KEY_ID",
        "AWS_PROFILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ];
    if let Some(name) = variables.iter().find(|name| is_set(name)) {
        return Finding::Found(format!("{name} is set"));
    }
    let file = |variable: &str, name: &str| {
        let given = env::var_os(variable).map(PathBuf::from);
        given.or_else(|| Some(Path::new(&env::var_os("HOME")?).join(".aws").join(OsStr::new(name))))
    };
    let files = [
        file("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
        file("AWS_CONFIG_FILE", "config"),
    ];
    match files.into_iter().flatten().find(|file| file.is_file()) {
        Some(file) => Finding::Found(file.display().to_string()),
        None => Finding::Missing("no variable and no file has credentials; `aws configure` writes one".to_owned()),
    }
}

fn text(checks: &[Check]) -> String {
    let mut text = String::new();
    for check in checks {
        let (mark, detail) = match &check.finding {
            Finding::Found(detail) => ("ok     ", detail),
            Finding::Missing(detail) => ("missing", detail),
        };
        let detail = detail.trim_end().replace('\n', "\n           ");
        text.push_str(&format!(
            "{mark}  {} ({})\n           {detail}\n",
            check.name, check.needed_for
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_listed_with_what_they_are_needed_for() {
        let check = |name, finding| Check {
            name,
            needed_for: "running a mesh",
            is_required: true,
            finding,
        };
        let checks = [
            check("Envoy", Finding::Found("1.40.0".to_owned())),
            check("ports", Finding::Missing("none\nat all".to_owned())),
        ];
        let expected = "ok       Envoy (running a mesh)\n           1.40.0\n\
                        missing  ports (running a mesh)\n           none\n           at all\n";
        assert_eq!(text(&checks), expected);
        let json = serde_json::to_value(&checks[1]).expect("JSON");
        assert_eq!(
            (&json["result"], &json["detail"]),
            (&"missing".into(), &"none\nat all".into())
        );
    }

    #[test]
    fn a_directory_that_cannot_be_used_is_missing() {
        assert!(matches!(
            temporary_directory(Path::new("/proc/nothing")),
            Finding::Missing(_)
        ));
        let long = temporary_directory(Path::new(&format!("/{}", "a".repeat(100))));
        let Finding::Missing(detail) = long else {
            panic!("it is too long")
        };
        assert!(detail.ends_with("is too long for the paths of Unix sockets; set TMPDIR to a shorter one"));
    }

    #[test]
    fn a_missing_program_is_named() {
        let Finding::Missing(detail) = version("no-such-program", "--version") else {
            panic!("it is missing");
        };
        assert!(detail.starts_with("cannot run `no-such-program`: "), "{detail}");
    }
}
