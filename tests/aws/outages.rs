//! An account that is silent, throttled or refused for a while.

use std::time::{Duration, Instant};

use testkit::{Fault, FaultProxy, wait_until};

use crate::account::Account;
use crate::blue_green::{EXAMPLE, control_plane, register, weights};
use crate::fault_table::{MeasuredFault, Measurement};
use crate::run::Run;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_without_a_response_is_shown_and_repeated() {
    let account = Account::new();
    account.succeed("serviceconnect", &["deploy", "--yes"]).await;
    let proxy = FaultProxy::start(account.endpoint()).await;
    let url = proxy.url();
    proxy.inject_times(1, &["DescribeStacks"], Fault::Hang);
    let start = Instant::now();
    let outputs = account
        .succeed("serviceconnect", &["outputs", "--endpoint-url", &url])
        .await;
    let measurement = Measurement {
        fault: MeasuredFault::SilentCall,
        recovered: start.elapsed(),
        requests: None,
    };
    // The attempt ends after 10 s.
    measurement.record(Duration::from_secs(30));
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
async fn outlasts(fault: Fault, measured: MeasuredFault, reported: &str) {
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
    let healed = Instant::now();
    let again = "the state can be read and stored again, after ";
    run.wait_for(again, |printed| printed.stdout.contains(again)).await;
    let measurement = Measurement {
        fault: measured,
        recovered: healed.elapsed(),
        requests: None,
    };
    // Between two attempts are up to 30 s.
    measurement.record(Duration::from_secs(60));
    let ended = run.end().await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
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
        MeasuredFault::ThrottledParameterStore,
        "retrying: parameter /meshwright-rollout/bluegreen: reading it failed: ",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_outlasts_a_refused_parameter_store() {
    outlasts(
        Fault::Deny,
        MeasuredFault::RefusedParameterStore,
        "is not authorized to perform: ssm:GetParameter",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_outlasts_a_silent_parameter_store() {
    outlasts(
        Fault::Hang,
        MeasuredFault::SilentParameterStore,
        "retrying: parameter /meshwright-rollout/bluegreen: reading it failed: ",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_outlasts_throttled_polls() {
    let account = Account::new();
    let proxy = FaultProxy::start(account.endpoint()).await;
    let url = proxy.url();
    let deploy = ["deploy", "--yes", "--endpoint-url", &url];
    let run = Run::start(&account.workdir, account.example("serviceconnect", &deploy));
    proxy.inject(&["DescribeStackEvents"], Fault::Throttle);
    wait_until("polls are throttled", async || {
        let calls = proxy.calls();
        calls.iter().filter(|call| *call == "DescribeStackEvents").count() > 6
    })
    .await;
    proxy.heal();
    let healed = Instant::now();
    let ended = run.end().await;
    let recovered = healed.elapsed();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended.stdout.starts_with("serviceconnect.EntranceUrl = "),
        "{}",
        ended.stdout
    );
    let measurement = Measurement {
        fault: MeasuredFault::ThrottledPolls,
        recovered,
        requests: None,
    };
    measurement.record(Duration::from_secs(60));
}
