//! Blue-green commands that are rejected, or that say what they end, before anything is changed.

use serde_json::{Value, json};
use testkit::{Fault, FaultProxy, wait_until};

use crate::account::Account;
use crate::blue_green::{EXAMPLE, control_plane, register, weights};
use crate::recovery::create_stack;
use crate::run::Run;
use crate::workdir::Workdir;

/// The names of all parameters.
fn parameters(account: &Account) -> Vec<String> {
    let found = account.call("ssm", "describe_parameters", &json!({}));
    let found = found["Parameters"].as_array().expect("a list").iter();
    let names = found.map(|parameter| parameter["Name"].as_str().expect("a name").to_owned());
    names.collect()
}

/// An account with version 1 on both sides.
async fn deployed() -> Account {
    let account = Account::new();
    account
        .succeed(EXAMPLE, &["deploy", "--aws", "--version", "1", "--yes"])
        .await;
    for side in ["blue", "green"] {
        register(&account, side);
    }
    account
}

#[tokio::test]
async fn a_rollout_with_a_wrong_envoy_hook_or_parameter_does_not_begin() {
    let account = deployed().await;
    let before = account.succeed(EXAMPLE, &["status", "--aws"]).await.stdout;
    let deploy = ["deploy", "--aws", "--version", "2", "--yes"];
    for (options, expected) in [
        (
            &["--ignore", "mesh/bluegreen/virtualNode/gren"][..],
            "--ignore mesh/bluegreen/virtualNode/gren: no Envoy has this name; the mesh has mesh/bluegreen/virtual",
        ),
        (&["--ignore", "green"], "--ignore green: no Envoy has this name"),
        (
            &["--hook", "POST_SCALE_UP=./no-such-test --token secret"],
            "the hook at POST_SCALE_UP cannot run `no-such-test`: there is no such file; nothing was changed",
        ),
        (
            &[
                "--parameter",
                "AllowedCidr=10.0.0.0/8",
                "--parameter",
                "AllowedCidr=10.1.0.0/16",
            ],
            "--parameter AllowedCidr is given twice, with two values; give it once",
        ),
    ] {
        let rejected = account.run(EXAMPLE, &[&deploy[..], options].concat()).await;
        assert_eq!(rejected.code, Some(2), "{options:?}: {}", rejected.stderr);
        assert!(rejected.stderr.contains(expected), "{options:?}: {}", rejected.stderr);
        assert!(!rejected.stderr.contains("secret"), "{}", rejected.stderr);
    }
    assert_eq!(account.succeed(EXAMPLE, &["status", "--aws"]).await.stdout, before);
}

#[tokio::test]
async fn a_foreign_stack_of_the_same_name_is_neither_deployed_to_nor_recorded() {
    let account = Account::new();
    let template = json!({"Resources": {"A": {"Type": "AWS::SSM::Parameter",
        "Properties": {"Name": "/other", "Type": "String", "Value": "1"}}}});
    create_stack(&account, EXAMPLE, &template).await;
    let deploy = ["deploy", "--aws", "--version", "1", "--yes"];
    let rejected = account.run(EXAMPLE, &deploy).await;
    assert_eq!(rejected.code, Some(1), "{}", rejected.stderr);
    assert_eq!(rejected.stderr.matches("error: ").count(), 1, "{}", rejected.stderr);
    let expected = "was not created by this tool: it lacks the tag `meshwright:app`. Rename the stack of this app, or take that \
                    stack over with `deploy --adopt`";
    assert!(rejected.stderr.contains(expected), "{}", rejected.stderr);
    assert_eq!(parameters(&account), ["/other"]);
    let adopted = account.succeed(EXAMPLE, &[&deploy[..], &["--adopt"]].concat()).await;
    assert!(
        adopted.stderr.contains("Taking it over deletes: A; "),
        "{}",
        adopted.stderr
    );
    assert!(!parameters(&account).contains(&"/other".to_owned()));
    assert_eq!(
        account.succeed(EXAMPLE, &["status", "--aws"]).await.stdout,
        "blue 1 at 50%, green 1 at 50%\n"
    );
}

#[tokio::test]
async fn a_first_deployment_without_rollback_stays_and_is_continued() {
    let account = Account::new();
    let blocking = json!({"Name": "/meshwright/bluegreen", "Type": "String", "Value": "{}"});
    account.call("ssm", "put_parameter", &blocking);
    let deploy = ["deploy", "--aws", "--version", "1", "--yes"];
    let without_rollback = [&deploy[..], &["--no-rollback"]].concat();
    let failed = account.run(EXAMPLE, &without_rollback).await;
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    for expected in [
        "bluegreen: a failure will not be rolled back",
        "CloudFormation did not roll back (CREATE_FAILED). Fix the cause and deploy again",
    ] {
        assert!(failed.stderr.contains(expected), "{expected}: {}", failed.stderr);
    }
    assert_eq!(
        account.succeed(EXAMPLE, &["status", "--aws"]).await.stdout,
        "nothing was deployed yet\n"
    );
    account.call("ssm", "delete_parameter", &json!({"Name": "/meshwright/bluegreen"}));
    account.succeed(EXAMPLE, &deploy).await;
    // Later deployments replace task definitions.
    let later = account.run(EXAMPLE, &without_rollback).await;
    assert!(
        later.code == Some(2) && later.stderr.contains("--no-rollback is for the first deployment"),
        "{}",
        later.stderr
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_deployment_waits_for_one_that_has_overtaken_it() {
    let account = Account::new();
    let proxy = FaultProxy::start(account.endpoint()).await;
    let url = proxy.url();
    // It has found no stack, and its first attempt to create one gets no response.
    proxy.inject_times(1, &["CreateChangeSet"], Fault::Hang);
    let deploy = ["deploy", "--aws", "--version", "1", "--yes"];
    let slow_workdir = Workdir::new();
    let slow = [&deploy[..], &["--endpoint-url", &url]].concat();
    let slow = account.example_in(&slow_workdir, EXAMPLE, &slow);
    let slow = Run::start(&slow_workdir, slow);
    wait_until("it creates the stack", async || {
        proxy.calls().iter().any(|call| call == "CreateChangeSet")
    })
    .await;
    account.succeed(EXAMPLE, &deploy).await;
    let ended = slow.end().await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for expected in [
        "bluegreen: waiting for the operation in progress\n",
        "bluegreen: no changes\n",
    ] {
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    }
    assert_eq!(
        account.succeed(EXAMPLE, &["status", "--aws"]).await.stdout,
        "blue 1 at 50%, green 1 at 50%\n"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn destroy_during_a_rollout_says_what_it_ends() {
    let account = deployed().await;
    let _replica = control_plane(&account).await;
    let deploy = ["deploy", "--aws", "--version", "2", "--strategy", "steps:10%+hold,100%"];
    let mut run = Run::start(&account.workdir, account.example(EXAMPLE, &deploy));
    let paused = "blue 1 at 90%, green 2 at 10%, POST_";
    run.wait_for(paused, |printed| printed.stdout.contains(paused)).await;
    let other = Workdir::new();
    let asked = Run::to_end(&other, account.example_in(&other, EXAMPLE, &["destroy"])).await;
    assert_eq!(asked.code, Some(1), "{}", asked.stderr);
    let warning = "warning: a rollout is in progress: blue 1 at 90%, green 2 at 10%, POST_PRODUCTION_TRAFFIC_SHIFT. Destroying \
                   the stack ends both versions; its controller (";
    assert!(asked.stderr.contains(warning), "{}", asked.stderr);
    assert_eq!(weights(&account), [90, 10], "nothing is deleted without confirmation");
    let destroyed = Run::to_end(&other, account.example_in(&other, EXAMPLE, &["destroy", "--yes"])).await;
    assert_eq!(destroyed.code, Some(0), "{}", destroyed.stderr);
    assert!(destroyed.stderr.contains(warning), "{}", destroyed.stderr);
    let ended = run.end().await;
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.stderr.matches("error: ").count(), 1, "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_step_has_the_deployed_weights() {
    let account = deployed().await;
    let _replica = control_plane(&account).await;
    let proxy = FaultProxy::start(account.endpoint()).await;
    let url = proxy.url();
    // A weight in the JSON text of a parameter, in the URL-encoded template.
    for end in ["%7D", "%2C"] {
        let weight = format!("weight%5C%22%3A10{end}");
        proxy.inject(&["CreateChangeSet", &weight], Fault::Throttle);
    }
    let deploy = [
        "deploy",
        "--aws",
        "--version",
        "2",
        "--strategy",
        "steps:10%+hold,100%",
        "--endpoint-url",
        &url,
    ];
    let mut run = Run::start(&account.workdir, account.example(EXAMPLE, &deploy));
    let shifting = "blue 1 at 90%, green 2 at 10%, PRODUCTION_TRAFFIC_SHIFT";
    run.wait_for(shifting, |printed| printed.stdout.contains(shifting))
        .await;
    assert_eq!(weights(&account), [100, 0]);
    run.signal(rustix::process::Signal::INT);
    let interrupted = run.end().await;
    let deployed = "deployed weights: blue at 100%, green at 0%; the step to the weights above is not done\n";
    assert!(interrupted.stderr.contains(deployed), "{}", interrupted.stderr);
    let status = account.succeed(EXAMPLE, &["status", "--aws"]).await.stdout;
    assert!(status.ends_with(deployed), "{status}");
    proxy.heal();
    let aborted = account.run(EXAMPLE, &["abort", "--aws"]).await;
    assert_eq!(aborted.code, Some(0), "{}", aborted.stderr);
    let state: Value =
        serde_json::from_str(&account.succeed(EXAMPLE, &["status", "--aws", "--json"]).await.stdout).expect("JSON");
    assert_eq!(state["rollout"], Value::Null, "{state}");
}
