//! Network namespaces: calls of programs without mesh support are redirected through Envoys.
//!
//! Needs Linux with `ip` and `iptables-restore`, and root or a range of user ids: see docs/troubleshooting.md.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use rustix::process::Signal;
use testkit::wait_until;
use tokio::process::Command;

use crate::http::{BLUE, FETCHED};
use crate::run::{Ended, Run};
use crate::trace_timeline;
use crate::workdir::Workdir;

/// A program without mesh support: it resolves names through the system and sends GET requests.
const CLIENT: &str = r#"
import sys, urllib.request, urllib.error
for url in sys.argv[1:]:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=20) as response:
            print(response.status, response.read().decode())
    except urllib.error.HTTPError as error:
        print(error.code, error.read().decode())
    except OSError as error:
        print("failed", error)
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_by_name_goes_through_both_envoys() {
    let workdir = workdir();
    let run = Run::up(&workdir, in_namespaces(&workdir, "appmesh", &[])).await;
    let before = request_counts(&run).await;
    assert_eq!(
        get_inside(&run, "green/1", "http://blue.appmesh/").await,
        format!("200 {BLUE}")
    );
    let after = request_counts(&run).await;
    let difference = |task: &str, listener: &str| {
        let name = (task.to_owned(), format!("http.{listener}.downstream_rq_total"));
        after[&name] - before[&name]
    };
    assert_eq!(
        (difference("green", "egress"), difference("blue", "ingress")),
        (1, 1),
        "{before:?} {after:?}"
    );

    // A service that is not a backend gets a local reply of green's Envoy; an unknown name does not resolve.
    let rejected = get_inside(&run, "green/1", "http://split.appmesh/").await;
    assert!(
        rejected.starts_with("404 no service `split.appmesh`")
            || rejected.contains("green has the backends blue.appmesh"),
        "{rejected}"
    );
    let unknown = get_inside(&run, "green/1", "http://unknown.appmesh/").await;
    assert!(unknown.starts_with("failed "), "{unknown}");
    stop(run, &workdir).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_smoke_tests_take_the_same_paths_as_without_namespaces() {
    for (example, path) in [
        (
            "appmesh",
            "you → envoy of gateway/1 → envoy of green/1 → green/1 → envoy of green/1 → envoy of blue/1 → blue/1\n",
        ),
        (
            "serviceconnect",
            "you → envoy of green/1 → green/1 → envoy of green/1 → envoy of blue/2 → blue/2\n",
        ),
    ] {
        let workdir = workdir();
        let ended = Run::to_end(&workdir, in_namespaces(&workdir, example, &["--once"])).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.stdout.contains(path), "{ended:?}");
        // The span collector is outside the namespaces. Envoys and redirected services reach it.
        let (_, timeline) = trace_timeline::parse(&ended.stdout);
        let (envoys, blue) = (trace_timeline::envoys(&timeline), timeline.last().expect("a line"));
        assert!(envoys.len() >= 3 && blue.component.starts_with("blue/"), "{ended:?}");
        workdir.assert_nothing_left();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endpoints_of_service_connect_have_addresses_in_the_hosts_file() {
    let workdir = workdir();
    let run = Run::up(&workdir, in_namespaces(&workdir, "serviceconnect", &[])).await;
    let green = enter_command(&run, "green/1");
    let hosts = output(&green, &["cat", "/etc/hosts"]).await;
    for line in [
        "127.255.0.1 blue.serviceconnect\n",
        "127.255.0.2 green.serviceconnect\n",
    ] {
        assert!(hosts.contains(line), "{hosts}");
    }
    assert_eq!(
        get_inside(&run, "green/1", "http://blue.serviceconnect/").await,
        format!("200 {BLUE}")
    );
    // Other ports have no service, so Envoy closes the connection.
    let closed = get_inside(&run, "green/1", "http://blue.serviceconnect:81/").await;
    assert!(closed.starts_with("failed "), "{closed}");
    stop(run, &workdir).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_task_restarts_with_its_address_and_rules() {
    let workdir = workdir();
    let mut run = Run::up(&workdir, in_namespaces(&workdir, "appmesh", &[])).await;
    for (round, part) in ["container app started", "Envoy ready after"].into_iter().enumerate() {
        crate::run::send(run.pid(&format!("blue/1: {part}")), Signal::KILL);
        run.wait_for_lines(round + 2, "blue/1: running after ", "").await;
        let answer = get_inside(&run, "green/1", "http://localhost/downstream/blue.appmesh").await;
        assert_eq!(answer, format!("200 {FETCHED}"));
    }
    stop(run, &workdir).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn directories_of_a_killed_runner_are_removed_by_the_next_run() {
    let workdir = workdir();
    let run = Run::up(&workdir, in_namespaces(&workdir, "appmesh", &[])).await;
    run.signal(Signal::KILL);
    let ended = run.end().await;
    assert_eq!(ended.code, None, "{ended:?}");
    wait_until("all processes are gone", async || workdir.processes().is_empty()).await;
    let left = workdir.leftover_files();
    assert_eq!(left.len(), 1, "{left:?}");

    let run = Run::up(&workdir, in_namespaces(&workdir, "appmesh", &[])).await;
    assert!(!left[0].exists(), "{left:?}");
    stop(run, &workdir).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_permissions_for_namespaces_name_a_remedy() {
    let workdir = workdir();
    let program = in_namespaces(&workdir, "appmesh", &["--once"]);
    // Root without the capability.
    let mut command = workdir.command("setpriv".as_ref(), &["--bounding-set=-net_admin"]);
    command
        .arg(program.as_std().get_program())
        .args(program.as_std().get_args());
    let ended = Run::to_end(&workdir, command).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended
            .stderr
            .contains("error: network namespaces for tasks are not available\n")
            && ended
                .stderr
                .contains("this process has no CAP_NET_ADMIN: run it as root"),
        "{ended:?}"
    );
    workdir.assert_nothing_left();
}

/// A workdir that is accessible to Envoys, which run as another user.
pub(crate) fn workdir() -> Workdir {
    let workdir = Workdir::new();
    for folder in [workdir.path(""), workdir.tmpdir()] {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o711)).expect("permissions can be set");
    }
    workdir
}

/// An example with network namespaces.
pub(crate) fn in_namespaces(workdir: &Workdir, example: &str, arguments: &[&str]) -> Command {
    let arguments: Vec<&str> = ["--network", "namespaces"]
        .into_iter()
        .chain(arguments.iter().copied())
        .collect();
    as_root(workdir, workdir.example_named(example, &arguments))
}

/// A command as root. Without root, it runs as root of a user namespace.
pub(crate) fn as_root(workdir: &Workdir, command: Command) -> Command {
    if rustix::process::geteuid().is_root() {
        return command;
    }
    let mut unshare = workdir.command("unshare".as_ref(), &["--map-root-user", "--map-auto"]);
    unshare
        .arg(command.as_std().get_program())
        .args(command.as_std().get_args());
    unshare
}

/// The command of the usage hints that enters a task's namespaces.
pub(crate) fn enter_command(run: &Run<'_>, task: &str) -> Vec<String> {
    let printed = run.printed().stdout;
    let ending = format!("# a shell inside {task}");
    let line = printed.lines().find_map(|line| line.strip_suffix(&ending));
    let line = line.unwrap_or_else(|| panic!("no line ends with `{ending}` in:\n{printed}"));
    line.split_whitespace().map(str::to_owned).collect()
}

/// Sends a GET request from inside a task, with a program without mesh support.
pub(crate) async fn get_inside(run: &Run<'_>, task: &str, url: &str) -> String {
    output(&enter_command(run, task), &["python3", "-c", CLIENT, url])
        .await
        .trim()
        .to_owned()
}

pub(crate) async fn output(enter: &[String], line: &[&str]) -> String {
    let (program, arguments) = enter.split_first().expect("a command");
    let arguments = arguments
        .iter()
        .map(OsString::from)
        .chain(line.iter().map(OsString::from));
    let mut command = Command::new(program);
    let output = command.args(arguments).stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(crate::run::TIMEOUT, output).await;
    let output = output
        .expect("the command exits in time")
        .expect("the command can be started");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line:?}: {stderr}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Requests that the Envoys have received, by service and statistic.
async fn request_counts(run: &Run<'_>) -> BTreeMap<(String, String), u64> {
    let mut counts = BTreeMap::new();
    for entry in std::path::Path::new(&run.logs()).read_dir().expect("it is there") {
        let socket = entry.expect("readable").path().join("a.sock");
        if !socket.exists() {
            continue;
        }
        let client = reqwest::Client::builder()
            .no_proxy()
            .unix_socket(socket)
            .build()
            .expect("a client");
        let admin = async |path: &str| {
            let response = client
                .get(format!("http://envoy/{path}"))
                .send()
                .await
                .expect("a response of Envoy");
            response.text().await.expect("a text")
        };
        let info = admin("server_info").await;
        // The example is behind a load balancer, which nothing here calls.
        if info.contains("\"task\": \"load-balancer.") {
            continue;
        }
        let service = ["blue", "green", "gateway"]
            .into_iter()
            .find(|name| info.contains(&format!("\"task\": \"{name}/1\"")));
        let service = service.expect("the Envoy of a known service");
        for line in admin("stats?filter=downstream_rq_total$").await.lines() {
            if let Some((name, count)) = line.split_once(": ") {
                counts.insert((service.to_owned(), name.to_owned()), count.parse().expect("a number"));
            }
        }
    }
    counts
}

pub(crate) async fn stop(run: Run<'_>, workdir: &Workdir) {
    run.signal(Signal::INT);
    let ended: Ended = run.end().await;
    assert_eq!(ended.code, Some(130), "{ended:?}");
    workdir.assert_nothing_left();
}
