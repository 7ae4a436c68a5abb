//! Failing containers: the mesh does not start, and reports the container, the failure and its log.

use std::net::TcpListener;

use serde_json::{Value, json};

use crate::run::Run;
use crate::template::{changed, container};
use crate::workdir::Workdir;

/// Runs the changed template, which must fail; gives the reason with the log lines under it.
async fn failure(workdir: &Workdir, change: impl FnOnce(&mut Value), arguments: &[&str]) -> String {
    let file = changed(workdir, change).display().to_string();
    let command = workdir.meshwright(&[&["up", "--strict", "--template", &file], arguments].concat());
    let ended = Run::to_end(workdir, command).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
    assert!(!ended.stderr.contains("panicked"), "{ended:?}");
    workdir.assert_nothing_left();
    let reason = ended.stderr.split_once("error: ");
    reason.unwrap_or_else(|| panic!("{ended:?}")).1.to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_container_that_exits_at_once() {
    let workdir = Workdir::new();
    for (command, reason) in [
        (
            "sh -c 'echo one; echo two >&2; exit 3'",
            "green/1: container app ended with exit code 3; last log lines:\n      one\n      two\n",
        ),
        ("true", "green/1: container app ended with exit code 0\n"),
    ] {
        let image = format!("team/app={command}");
        let change = |template: &mut Value| container(template, "Green")["Image"] = json!("team/app:1");
        assert_eq!(failure(&workdir, change, &["--image", &image]).await, reason);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_that_cannot_listen() {
    let workdir = Workdir::new();
    let busy = TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("bound");
    let change = |template: &mut Value| {
        let container = container(template, "Green");
        // The variable with its port is ignored; it uses another variable of its environment.
        container["DockerLabels"]["meshwright.port.3000"] = json!("UNREAD");
        container["Environment"][1] = json!({"Name": "SERVICE_PORT", "Value": busy.port().to_string()});
    };
    let listener = TcpListener::bind(busy).expect("it was just free");
    let reason = failure(&workdir, change, &[]).await;
    drop(listener);
    let start = "green/1: container app ended with exit code 1; last log lines:\n";
    assert!(reason.starts_with(start), "{reason}");
    let words = format!("\n      demo-service: cannot listen on {busy}: Address already in use (os error 98)\n");
    assert!(reason.ends_with(&words), "{reason}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_health_check_that_never_succeeds() {
    // Five seconds are the least that ECS allows.
    let check = |command: Value| json!({"Command": command, "Interval": 5, "Timeout": 2, "Retries": 1});
    let fails = async {
        let workdir = Workdir::new();
        let line = check(json!(["CMD-SHELL", "echo not yet >&2; exit 9"]));
        let change = |template: &mut Value| container(template, "Green")["HealthCheck"] = line;
        failure(&workdir, change, &[]).await
    };
    let hangs = async {
        let workdir = Workdir::new();
        // The shell is not what takes long: what it has started has to go, too.
        let line = check(json!(["CMD-SHELL", "sleep 600; true"]));
        let change = |template: &mut Value| container(template, "Green")["HealthCheck"] = line;
        failure(&workdir, change, &[]).await
    };
    let (fails, hangs) = tokio::join!(fails, hangs);
    let expected = "green/1: container app is unhealthy: `sh -c echo not yet >&2; exit 9` failed (exit status: 9): not \
                    yet; last log lines:\n";
    assert!(fails.starts_with(expected), "{fails}");
    assert!(
        fails.contains("Service 'green' (version unknown) running on port: "),
        "{fails}"
    );
    let expected = "green/1: container app is unhealthy: `sh -c sleep 600; true` timed out after 2 s; last log \
                    lines:\n";
    assert!(hangs.starts_with(expected), "{hangs}");
}
