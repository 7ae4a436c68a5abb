//! Blue-green deployments in an account: stack updates, recovery after a crash, readiness gate.

use mesh_control::{Addresses, ControlPlane};
use mesh_control_aws::{Clients, EndpointPolicy, Options, PollIntervals, replica_id, serve};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio_util::task::AbortOnDropHandle;

use crate::account::Account;
use crate::fault_table::{MeasuredFault, Measurement};
use crate::mesh::config;
use crate::run::Run;

pub(crate) const EXAMPLE: &str = "bluegreen";

/// Options of a rollout without traffic, whose analysis is inconclusive.
pub(crate) const WITHOUT_TRAFFIC: [&str; 2] = ["--inconclusive", "proceed"];

/// A replica of the control plane that reads the example's mesh and publishes the status of its Envoys.
pub(crate) async fn control_plane(account: &Account) -> AbortOnDropHandle<Result<(), mesh_control::ServeError>> {
    replica(account, replica_id(None)).await.1
}

/// The same, with this id. Also returns the control plane. Dropping the handle kills it: its status remains.
pub(crate) async fn replica(
    account: &Account,
    id: String,
) -> (ControlPlane, AbortOnDropHandle<Result<(), mesh_control::ServeError>>) {
    let options = Options {
        intervals: PollIntervals {
            parameters: Duration::from_millis(100),
            endpoints: Duration::from_millis(100),
            ..PollIntervals::default()
        },
        publish_as: Some(id),
        // Tasks of the tests are on loopback.
        endpoints: EndpointPolicy::within(["127.0.0.0/8".parse().expect("a network")]),
        ..Options::new(["bluegreen"])
    };
    let clients = Clients::new(&config(account.endpoint()).await);
    let serving = serve(clients, options, Addresses::default(), std::future::pending()).await;
    let (control, work) = serving.expect("bound listeners");
    (control, AbortOnDropHandle::new(tokio::spawn(work)))
}

/// Registers a task of a side, as ECS does. MiniStack reports it as healthy immediately.
pub(crate) fn register(account: &Account, side: &str) {
    register_at(account, side, "127.0.0.1");
}

/// The same, with an address.
pub(crate) fn register_at(account: &Account, side: &str, address: &str) {
    let instance = json!({
        "ServiceId": registry(account, side),
        "InstanceId": side,
        "Attributes": {"AWS_INSTANCE_IPV4": address},
    });
    account.call("servicediscovery", "register_instance", &instance);
}

/// Sets the health status of a side in Cloud Map.
fn set_health(account: &Account, side: &str, status: &str) {
    let health = json!({"ServiceId": registry(account, side), "InstanceId": side, "Status": status});
    account.call("servicediscovery", "update_instance_custom_health_status", &health);
}

fn registry(account: &Account, side: &str) -> Value {
    let services = account.call("servicediscovery", "list_services", &json!({}));
    let mut services = services["Services"].as_array().expect("a list").iter();
    let found = services.find(|found| found["Name"] == side);
    found.expect("a service of the stack")["Id"].clone()
}

pub(crate) fn parameter(account: &Account, name: &str) -> Value {
    let found = account.call("ssm", "get_parameter", &json!({"Name": name}));
    serde_json::from_str(found["Parameter"]["Value"].as_str().expect("a text")).expect("JSON")
}

pub(crate) fn weights(account: &Account) -> [u64; 2] {
    route_weights(account, "sides")
}

fn route_weights(account: &Account, route: &str) -> [u64; 2] {
    let route = parameter(
        account,
        &format!("/meshwright/bluegreen/virtualRouter/split/route/{route}"),
    );
    let targets = &route["httpRoute"]["action"]["weightedTargets"];
    [0, 1].map(|index: usize| targets[index]["weight"].as_u64().expect("a weight"))
}

fn sides(next: &str, next_version: u64, current: u64) -> Value {
    json!({"nextUpdate": next, "nextVersion": next_version, "currentVersion": current})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn version_is_deployed_by_stack_updates_and_rolled_back() {
    let account = Account::new();
    let before = account.counted();
    let status = account.succeed(EXAMPLE, &["status", "--aws"]).await;
    assert_eq!(status.stdout, "nothing was deployed yet\n");
    account
        .succeed(EXAMPLE, &["deploy", "--aws", "--version", "1", "--yes"])
        .await;
    assert_eq!(
        account.succeed(EXAMPLE, &["status", "--aws"]).await.stdout,
        "blue 1 at 50%, green 1 at 50%\n"
    );
    for side in ["blue", "green"] {
        register(&account, side);
    }
    let _replica = control_plane(&account).await;

    let diff = account
        .succeed(EXAMPLE, &["diff", "--aws", "--version", "2"])
        .await
        .stdout;
    let changed: Vec<&str> = diff.lines().filter(|line| line.starts_with("[~]")).collect();
    assert_eq!(
        changed[..2],
        [
            "[~] AWS::ECS::TaskDefinition GreenTaskDefinition",
            "[~] AWS::SSM::Parameter State"
        ],
        "{diff}"
    );
    assert!(diff.contains(r#"Environment[1].Value: "1" → "2""#), "{diff}");

    let deploy = [
        &["deploy", "--aws", "--version", "2", "--strategy", "canary:10%,1s"][..],
        &WITHOUT_TRAFFIC,
    ]
    .concat();
    let deployed = account.succeed(EXAMPLE, &deploy).await;
    for line in [
        "blue 1 at 90%, green 2 at 10%, ",
        "blue 1 at 0%, green 2 at 100%, 2 SUCCESSFUL",
    ] {
        assert!(deployed.stdout.contains(line), "{}", deployed.stdout);
    }
    assert_eq!(weights(&account), [0, 100]);
    assert_eq!(parameter(&account, "/bluegreen/state"), sides("green", 2, 1));
    let again = account.succeed(EXAMPLE, &deploy).await.stdout;
    assert!(
        again.starts_with("blue 1 at 0%, green 2 at 100%, 2 SUCCESSFUL\nbluegreen.EntranceUrl = "),
        "{again}"
    );

    let back = account.succeed(EXAMPLE, &["rollback", "--aws"]).await.stdout;
    assert!(back.contains("blue 1 at 100%, green 2 at 0%"), "{back}");
    assert_eq!(weights(&account), [100, 0]);
    account.succeed(EXAMPLE, &["destroy", "--yes"]).await;
    // The replica of the control plane removes its own status parameters.
    let remaining = account.call("ssm", "describe_parameters", &json!({}));
    for parameter in remaining["Parameters"].as_array().expect("a list") {
        let name = parameter["Name"].as_str().expect("a name");
        assert!(name.starts_with("/meshwright-status/bluegreen/"), "{name}");
        account.call("ssm", "delete_parameter", &json!({"Name": name}));
    }
    assert_eq!(account.counted(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_controller_continues_after_a_crash() {
    let account = Account::new();
    account
        .succeed(EXAMPLE, &["deploy", "--aws", "--version", "1", "--yes"])
        .await;
    for side in ["blue", "green"] {
        register(&account, side);
    }
    let _replica = control_plane(&account).await;
    // Paused at 10 % until `continue`.
    let deploy = ["deploy", "--aws", "--version", "2", "--strategy", "steps:10%+hold,100%"];
    let mut run = Run::start(&account.workdir, account.example(EXAMPLE, &deploy));
    let paused = "blue 1 at 90%, green 2 at 10%, POST_";
    run.wait_for(paused, |printed| printed.stdout.contains(paused)).await;
    run.signal(rustix::process::Signal::KILL);
    drop(run);
    assert_eq!(weights(&account), [90, 10]);
    let status = account.succeed(EXAMPLE, &["status", "--aws"]).await.stdout;
    assert!(status.starts_with(paused), "{status}");

    let start = Instant::now();
    let resumed = account.succeed(EXAMPLE, &["continue", "--aws"]).await.stdout;
    let measurement = Measurement {
        fault: MeasuredFault::KilledController,
        recovered: start.elapsed(),
        requests: None,
    };
    measurement.record(Duration::from_secs(90));
    assert!(
        resumed.ends_with("blue 1 at 0%, green 2 at 100%, 2 SUCCESSFUL\n"),
        "{resumed}"
    );
    assert_eq!(weights(&account), [0, 100]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interrupted_rollout_says_where_traffic_stands_and_is_promoted() {
    let account = Account::new();
    account
        .succeed(EXAMPLE, &["deploy", "--aws", "--version", "1", "--yes"])
        .await;
    for side in ["blue", "green"] {
        register(&account, side);
    }
    let _replica = control_plane(&account).await;
    let deploy = ["deploy", "--aws", "--version", "2", "--strategy", "canary:10%,1h"];
    let mut run = Run::start(&account.workdir, account.example(EXAMPLE, &deploy));
    let canary = "blue 1 at 90%, green 2 at 10%, POST_";
    run.wait_for(canary, |printed| printed.stdout.contains(canary)).await;
    run.signal(rustix::process::Signal::INT);
    let interrupted = run.end().await;
    assert_eq!(interrupted.code, Some(130), "{}", interrupted.stderr);
    for expected in [
        "rollout: blue 1 at 90%, green 2 at 10%, POST_",
        "`deploy --aws --version 2` continues it, `abort --aws` rolls it back",
    ] {
        assert!(interrupted.stderr.contains(expected), "{}", interrupted.stderr);
    }
    // Another command in this folder ends the processes of the former one.
    let status = account.succeed(EXAMPLE, &["status", "--aws"]).await.stdout;
    assert!(
        status.contains("; the next step follows in 59m ") && status.contains("\nthe controller was running "),
        "{status}"
    );
    let json = account.succeed(EXAMPLE, &["status", "--aws", "--json"]).await.stdout;
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["rollout"]["phase"], "POST_PRODUCTION_TRAFFIC_SHIFT", "{json}");
    assert_eq!(json["rollout"]["controller"]["status"], "seen", "{json}");

    let promoted = account.succeed(EXAMPLE, &["promote", "--aws"]).await.stdout;
    assert!(
        promoted.ends_with("blue 1 at 0%, green 2 at 100%, 2 SUCCESSFUL\n"),
        "{promoted}"
    );
    assert_eq!(weights(&account), [0, 100]);

    // A version that stays moves on by another strategy, and only by that.
    let stays = "blue 3 stays at 50%: `promote`, or ";
    for strategy in [&["--strategy", "fixed:50%"][..], &[]] {
        let deploy = [&["deploy", "--aws", "--version", "3"], strategy].concat();
        let deployed = account.succeed(EXAMPLE, &deploy).await.stdout;
        assert!(deployed.contains(stays), "{deployed}");
        assert_eq!(weights(&account), [50, 50]);
    }
    let lower = ["deploy", "--aws", "--version", "3", "--strategy", "fixed:20%"];
    let rejected = account.run(EXAMPLE, &lower).await;
    assert!(
        rejected.code == Some(1) && rejected.stderr.contains("the strategy ends at 20%"),
        "{}",
        rejected.stderr
    );
    let deploy = ["deploy", "--aws", "--version", "3", "--strategy", "all-at-once"];
    account.succeed(EXAMPLE, &deploy).await;
    assert_eq!(weights(&account), [100, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hooks_run_and_test_traffic_shifts_first() {
    let account = Account::new();
    account
        .succeed(EXAMPLE, &["deploy", "--aws", "--version", "1", "--yes"])
        .await;
    for side in ["blue", "green"] {
        register(&account, side);
    }
    let _replica = control_plane(&account).await;
    let hook = ["--hook", "POST_TEST_TRAFFIC_SHIFT=true"];
    let deploy = [
        "deploy",
        "--aws",
        "--version",
        "2",
        "--strategy",
        "all-at-once,test:hold",
    ];
    let mut run = Run::start(
        &account.workdir,
        account.example(EXAMPLE, &[&deploy[..], &hook].concat()),
    );
    let succeeded = "hook true at POST_TEST_TRAFFIC_SHIFT succeeded after ";
    run.wait_for(succeeded, |printed| printed.stdout.contains(succeeded))
        .await;
    assert_eq!(
        (weights(&account), route_weights(&account, "test")),
        ([100, 0], [0, 100])
    );
    run.signal(rustix::process::Signal::INT);
    assert_eq!(run.end().await.code, Some(130));

    let without = account.run(EXAMPLE, &["continue", "--aws"]).await;
    assert!(
        without.code == Some(1)
            && without
                .stderr
                .contains("the rollout runs a hook at POST_TEST_TRAFFIC_SHIFT"),
        "{}",
        without.stderr
    );
    let continued = account
        .succeed(EXAMPLE, &[&["continue", "--aws"][..], &hook].concat())
        .await;
    assert!(
        continued
            .stdout
            .ends_with("blue 1 at 0%, green 2 at 100%, 2 SUCCESSFUL\n"),
        "{}",
        continued.stdout
    );
    assert_eq!(
        (weights(&account), route_weights(&account, "test")),
        ([0, 100], [0, 100])
    );

    // A failed hook takes the test traffic back.
    let third = ["deploy", "--aws", "--version", "3", "--strategy", "all-at-once"];
    let failing = ["--hook", "TEST_TRAFFIC_SHIFT=sh -c 'echo no database; exit 3'"];
    let failed = account.run(EXAMPLE, &[&third[..], &failing].concat()).await;
    assert!(
        failed.code == Some(1)
            && failed
                .stderr
                .contains("the hook at TEST_TRAFFIC_SHIFT failed: sh: exit code 3")
            && failed.stdout.contains("  | no database\n"),
        "{} {}",
        failed.stdout,
        failed.stderr
    );
    assert_eq!(
        (weights(&account), route_weights(&account, "test")),
        ([0, 100], [0, 100])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_weight_shifts_to_a_side_without_a_healthy_endpoint_in_cloud_map() {
    let account = Account::new();
    account
        .succeed(EXAMPLE, &["deploy", "--aws", "--version", "1", "--yes"])
        .await;
    for side in ["blue", "green"] {
        register(&account, side);
    }
    // The task is running in ECS and not yet healthy in Cloud Map.
    set_health(&account, "green", "UNHEALTHY");
    let _replica = control_plane(&account).await;
    let deploy = [
        &["deploy", "--aws", "--version", "2", "--strategy", "canary:10%,1s"][..],
        &WITHOUT_TRAFFIC,
    ]
    .concat();
    let mut run = Run::start(&account.workdir, account.example(EXAMPLE, &deploy));
    let waits = "no traffic shifted yet: virtual node green has no healthy endpoint in Cloud Map";
    run.wait_for(waits, |printed| printed.stdout.contains(waits)).await;
    assert_eq!(weights(&account), [100, 0]);
    set_health(&account, "green", "HEALTHY");
    let ended = run.end().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let (_, after) = ended.stdout.split_once(waits).expect("a wait for the readiness gate");
    assert!(after.contains("blue 1 at 90%, green 2 at 10%"), "{}", ended.stdout);
    assert_eq!(weights(&account), [0, 100]);
}

/// The value of a parameter of the stack.
fn stack_parameter(account: &Account, name: &str) -> String {
    let stacks = account.call("cloudformation", "describe_stacks", &json!({"StackName": EXAMPLE}));
    let mut parameters = stacks["Stacks"][0]["Parameters"].as_array().expect("a list").iter();
    let found = parameters.find(|parameter| parameter["ParameterKey"] == name);
    let value = &found.unwrap_or_else(|| panic!("no {name}: {stacks}"))["ParameterValue"];
    value.as_str().expect("a text").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_are_applied_whatever_the_version() {
    let account = Account::new();
    let first = [
        "deploy",
        "--aws",
        "--version",
        "1",
        "--yes",
        "--allow-ip",
        "203.0.113.7/32",
    ];
    account.succeed(EXAMPLE, &first).await;
    assert_eq!(stack_parameter(&account, "AllowedCidr"), "203.0.113.7/32");

    let other = ["--aws", "--version", "1", "--allow-ip", "198.51.100.0/24"];
    let diff = [&["diff", "--exit-code"], &other[..]].concat();
    let compared = account.run(EXAMPLE, &diff).await;
    assert_eq!(compared.code, Some(3), "{}", compared.stderr);
    let changed = r#"Parameters.AllowedCidr: "203.0.113.7/32" → "198.51.100.0/24""#;
    assert!(compared.stdout.contains(changed), "{}", compared.stdout);
    account
        .succeed(EXAMPLE, &[&["deploy", "--yes"], &other[..]].concat())
        .await;
    assert_eq!(stack_parameter(&account, "AllowedCidr"), "198.51.100.0/24");
    assert_eq!(
        account.run(EXAMPLE, &diff).await.code,
        Some(0),
        "nothing is left to change"
    );

    // Access is closed, and stays closed.
    let close = [
        "deploy",
        "--aws",
        "--version",
        "1",
        "--yes",
        "--parameter",
        "AllowedCidr=",
    ];
    account.succeed(EXAMPLE, &close).await;
    assert_eq!(stack_parameter(&account, "AllowedCidr"), "");
    account
        .succeed(EXAMPLE, &["deploy", "--aws", "--version", "1", "--yes"])
        .await;
    assert_eq!(stack_parameter(&account, "AllowedCidr"), "");
}

#[tokio::test]
async fn account_options_need_aws_and_local_options_exclude_it() {
    let account = Account::new();
    for (arguments, expected) in [
        (
            &["deploy", "--version", "2", "--allow-ip", "10.0.0.0/8"][..],
            "--allow-ip requires --aws",
        ),
        (
            &[
                "deploy",
                "--aws",
                "--version",
                "1",
                "--template-url",
                "https://b.s3.eu-west-1.amazonaws.com/k",
            ],
            "each step deploys another template",
        ),
        (&["deploy", "--version", "2", "--yes"], "--yes requires --aws"),
        (&["diff", "--version", "2", "--exit-code"], "--exit-code requires --aws"),
        (&["--aws"], "--aws requires a command"),
        (&["status", "--aws", "--state", "x"], "cannot be used with"),
        (&["rollback", "--aws"], "nothing was deployed yet"),
        (&["outputs"], "stack `bluegreen` is not deployed in eu-west-1"),
    ] {
        let ended = account.run(EXAMPLE, arguments).await;
        assert_ne!(ended.code, Some(0), "{arguments:?}");
        assert!(ended.stderr.contains(expected), "{arguments:?}: {}", ended.stderr);
    }
}
