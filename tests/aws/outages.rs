//! An account that is silent, throttled or refused for a while.

use testkit::{Fault, FaultProxy, wait_until};

use crate::account::Account;
use crate::blue_green::{EXAMPLE, control_plane, register, weights};
use crate::run::Run;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_without_a_response_is_shown_and_repeated() {
    let account = Account::new();
    account.succeed("serviceconnect", &["deploy", "--yes"]).await;
    let proxy = FaultProxy::start(account.endpoint()).await;
    let url = proxy.url();
    proxy.inject_times(1, &["DescribeStacks"], Fault::Hang);
    let outputs = account
        .succeed("serviceconnect", &["outputs", "--endpoint-url", &url])
        .await;
    let host = url.strip_prefix("http://").expect("a URL");
    let shown = format!("no response from {host} for 3 s; this attempt ends after 10 s");
    assert!(outputs.stderr.contains(&shown), "{}", outputs.stderr);
    assert!(!outputs.stdout.is_empty());

    proxy.inject_times(1, &["CreateChangeSet"], Fault::Drop);
    proxy.inject_times(1, &["DescribeChangeSet"], Fault::Unavailable);
    proxy.inject_times(2, &["GetTemplate"], Fault::Throttle);
    account
        .succeed("serviceconnect", &["deploy", "--yes", "--endpoint-url", &url])
        .await;
}

/// Refuses or throttles Parameter Store during a rollout until the controller reports it.
async fn outlasts(fault: Fault, reported: &str) {
    let account = Account::new();
    account
        .succeed(EXAMPLE, &["deploy", "--aws", "--version", "1", "--yes"])
        .await;
    for side in ["blue", "green"] {
        register(&account, side);
    }
    let _replica = control_plane(&account).await;
    let proxy = FaultProxy::start(account.endpoint()).await;
    let url = proxy.url();
    let deploy = [
        "deploy",
        "--aws",
        "--version",
        "2",
        "--strategy",
        "canary:10%,2s",
        "--inconclusive",
        "proceed",
        "--endpoint-url",
        &url,
    ];
    let mut run = Run::start(&account.workdir, account.example(EXAMPLE, &deploy));
    let shifted = "blue 1 at 90%, green 2 at 10%, POST_";
    run.wait_for(shifted, |printed| printed.stdout.contains(shifted)).await;
    proxy.inject(&["AmazonSSM"], fault);
    run.wait_for(reported, |printed| printed.stdout.contains(reported))
        .await;
    let calls = proxy.calls().len();
    wait_until("the controller tries again", async || proxy.calls().len() > calls + 2).await;
    assert_eq!(weights(&account), [90, 10], "no step is taken meanwhile");
    proxy.heal();
    let ended = run.end().await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(
        ended.stdout.contains("the state can be read and stored again, after "),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.ends_with("blue 1 at 0%, green 2 at 100%, 2 SUCCESSFUL\n"),
        "{}",
        ended.stdout
    );
    assert_eq!(weights(&account), [0, 100]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_outlasts_a_throttled_parameter_store() {
    outlasts(
        Fault::Throttle,
        "retrying: parameter /meshwright-rollout/bluegreen: reading it failed: ",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_outlasts_a_refused_parameter_store() {
    outlasts(Fault::Deny, "is not authorized to perform: ssm:GetParameter").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_outlasts_a_silent_parameter_store() {
    outlasts(
        Fault::Hang,
        "retrying: parameter /meshwright-rollout/bluegreen: reading it failed: ",
    )
    .await;
}
