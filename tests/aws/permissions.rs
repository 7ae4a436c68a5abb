//! Each call of each command denied, one at a time: one message with the call, the resource and the missing permission.
//!
//! The calls are those that the commands were seen to make, so a new one is tested without being listed here.

use std::collections::BTreeSet;

use mesh_control::Addresses;
use mesh_control_aws::{Clients, EndpointPolicy, Options, replica_id, serve};
use testkit::{Fault, FaultProxy};
use tokio_util::task::AbortOnDropHandle;

use crate::account::Account;
use crate::blue_green::{WITHOUT_TRAFFIC, control_plane, register};
use crate::mesh::config;
use crate::run::{Ended, Run};

const EXAMPLE: &str = "serviceconnect";

/// Services whose calls add to a message, or check something first: without them, a deployment works.
const OPTIONAL: [&str; 6] = ["cloudcontrolapi:", "ecr:", "ecs:", "logs:", "s3:", "servicequotas:"];

/// Optional calls of other services: the resources that failed, for a stack that is blocked.
const OPTIONAL_ACTIONS: [&str; 1] = ["cloudformation:DescribeStackResources"];

/// An account number of MiniStack, which takes an access key of twelve digits as one: no case sees another's stacks.
fn number(case: usize) -> String {
    format!("{:012}", case + 1)
}

/// Runs a command in an account, with the checks.
async fn run(account: &Account, example: &str, number: &str, url: &str, arguments: &[&str]) -> Ended {
    let mut command = account.example(example, arguments);
    command
        .env("AWS_ACCESS_KEY_ID", number)
        .env("AWS_ENDPOINT_URL", url)
        .env_remove("MESHWRIGHT_SKIP_CHECKS");
    Run::to_end(&account.workdir, command).await
}

/// The actions in the policy of the deployer.
async fn deployer_actions(account: &Account, example: &str) -> BTreeSet<String> {
    let role = "arn:aws:iam::111122223333:role/cloudformation";
    let arguments = ["policy", "deployer", "--role-arn", role, "--region", "us-east-1"];
    let printed = Run::to_end(&account.workdir, account.example(example, &arguments)).await;
    assert_eq!(printed.code, Some(0), "{}", printed.stderr);
    let policy: serde_json::Value = serde_json::from_str(&printed.stdout).expect("a policy");
    let statements = policy["Statement"].as_array().expect("statements").iter();
    let actions = statements.flat_map(|statement| statement["Action"].as_array().expect("actions"));
    // Needs no permission.
    let caller = "sts:GetCallerIdentity".to_owned();
    let actions = actions.map(|action| action.as_str().expect("an action").to_owned());
    actions.chain([caller]).collect()
}

/// The IAM action of a call. Cloud Control API's are CloudFormation's.
fn iam_action(call: &str) -> &str {
    match call {
        "cloudcontrolapi:ListResources" => "cloudformation:ListResources",
        call => call,
    }
}

/// Runs `prepare`, then `command` while one of its calls is denied; for each call that it makes.
async fn deny_each_call(example: &str, prepare: &[&[&str]], command: &[&str]) -> BTreeSet<String> {
    let account = Account::new();
    let proxy = FaultProxy::start(account.endpoint()).await;
    let url = proxy.url();
    let prepared = async |number: &str| {
        account.push_images(number);
        for arguments in prepare {
            let ended = run(&account, example, number, account.endpoint(), arguments).await;
            assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.stderr);
        }
    };
    prepared(&number(0)).await;
    let whole = run(&account, example, &number(0), &url, command).await;
    assert_eq!(whole.code, Some(0), "{command:?}: {}", whole.stderr);
    let actions: BTreeSet<String> = proxy.actions().into_iter().collect();
    let deployer = deployer_actions(&account, example).await;
    // Calls of S3 have no name in the recording.
    for action in actions.iter().filter(|action| *action != "s3:") {
        assert!(
            deployer.contains(iam_action(action)),
            "{action} is not in `policy deployer`"
        );
    }
    for (case, action) in actions.iter().enumerate() {
        let number = number(case + 1);
        prepared(&number).await;
        proxy.inject(&[action], Fault::Deny);
        let ended = run(&account, example, &number, &url, command).await;
        proxy.heal();
        let is_optional =
            OPTIONAL.iter().any(|service| action.starts_with(service)) || OPTIONAL_ACTIONS.contains(&action.as_str());
        let allow = format!("a policy of the caller must allow `{action}`");
        if is_optional {
            assert_eq!(ended.code, Some(0), "{action}: {}", ended.stderr);
            continue;
        }
        assert_eq!(ended.code, Some(1), "{action}: {}", ended.stderr);
        assert_eq!(ended.stderr.matches("error: ").count(), 1, "{action}: {}", ended.stderr);
        let (_, message) = ended.stderr.split_once("error: ").expect("a message");
        assert!(message.contains(action), "{action}: {message}");
        assert!(message.contains(&allow), "{action}: {message}");
        // The command succeeds once the permission is there.
        let again = run(&account, example, &number, account.endpoint(), command).await;
        assert_eq!(again.code, Some(0), "{action}: {}", again.stderr);
    }
    actions
}

/// Compares with calls that have to be among those that were denied: a recording without them would test nothing.
#[track_caller]
fn assert_made(actions: &BTreeSet<String>, expected: &[&str]) {
    for action in expected {
        assert!(actions.contains(*action), "{action}: {actions:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deploy_names_each_missing_permission() {
    let actions = deny_each_call(EXAMPLE, &[], &["deploy", "--yes"]).await;
    assert_made(
        &actions,
        &[
            "sts:GetCallerIdentity",
            "ecr:BatchGetImage",
            "cloudformation:CreateChangeSet",
            "cloudformation:DescribeChangeSet",
            "cloudformation:DescribeStackEvents",
            "cloudformation:DescribeStacks",
            "cloudformation:ExecuteChangeSet",
        ],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn diff_names_each_missing_permission() {
    let actions = deny_each_call(
        EXAMPLE,
        &[&["deploy", "--yes"]],
        &["diff", "--allow-ip", "203.0.113.7/32"],
    )
    .await;
    assert_made(
        &actions,
        &["cloudformation:GetTemplate", "cloudformation:DeleteChangeSet"],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outputs_names_each_missing_permission() {
    let actions = deny_each_call(EXAMPLE, &[&["deploy", "--yes"]], &["outputs"]).await;
    assert_made(&actions, &["cloudformation:DescribeStacks"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn destroy_names_each_missing_permission() {
    let actions = deny_each_call(EXAMPLE, &[&["deploy", "--yes"]], &["destroy", "--yes"]).await;
    assert_made(
        &actions,
        &["cloudformation:DeleteStack", "cloudformation:ListStackResources"],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blue_green_deploy_names_each_missing_permission() {
    let deploy = ["deploy", "--aws", "--version", "1", "--yes"];
    let actions = deny_each_call("bluegreen", &[], &deploy).await;
    assert_made(
        &actions,
        &["ssm:GetParameter", "ssm:PutParameter", "cloudformation:CreateChangeSet"],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_that_expire_during_a_deployment_name_the_login_and_the_way_on() {
    let account = Account::new();
    let proxy = FaultProxy::start(account.endpoint()).await;
    proxy.inject(&["DescribeStackEvents"], Fault::ExpireCredentials);
    let url = proxy.url();
    let mut command = account.example(EXAMPLE, &["deploy", "--yes", "--endpoint-url", &url]);
    command.env("AWS_PROFILE", "dev");
    let ended = Run::to_end(&account.workdir, command).await;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    for expected in [
        "the credentials have expired; renew them, for example with `aws sso login --profile dev`, and run the same command again",
        "The operation on stack `serviceconnect` continues in CloudFormation; the same command waits for its end",
    ] {
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    }
    proxy.heal();
    // The same command finds the operation in progress or at its end.
    let again = account
        .succeed(EXAMPLE, &["deploy", "--yes", "--endpoint-url", &url])
        .await;
    assert!(
        again.stdout.contains("serviceconnect.EntranceUrl = "),
        "{}",
        again.stdout
    );
}

/// A rollout in which each call is denied once, one after the other, each in the rollout of another version.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_names_each_missing_permission_and_goes_on_once_it_is_there() {
    let account = Account::new();
    account
        .succeed("bluegreen", &["deploy", "--aws", "--version", "1", "--yes"])
        .await;
    for side in ["blue", "green"] {
        register(&account, side);
    }
    let _replica = control_plane(&account).await;
    let proxy = FaultProxy::start(account.endpoint()).await;
    let url = proxy.url();
    let rollout = |version: usize| {
        let version = version.to_string();
        let arguments = [
            "deploy",
            "--aws",
            "--version",
            &version,
            "--strategy",
            "all-at-once",
            "--endpoint-url",
            &url,
        ];
        account.example("bluegreen", &[&arguments[..], &WITHOUT_TRAFFIC].concat())
    };
    let whole = Run::to_end(&account.workdir, rollout(2)).await;
    assert_eq!(whole.code, Some(0), "{}", whole.stderr);
    let actions: BTreeSet<String> = proxy.actions().into_iter().collect();
    assert_made(
        &actions,
        &[
            "cloudformation:ExecuteChangeSet",
            "ssm:GetParameter",
            "ssm:GetParametersByPath",
            "ssm:PutParameter",
        ],
    );
    let deployer = deployer_actions(&account, "bluegreen").await;
    for action in &actions {
        assert!(
            deployer.contains(iam_action(action)),
            "{action} is not in `policy deployer`"
        );
    }
    let required = actions.iter().filter(|action| {
        let is_optional = OPTIONAL.iter().any(|service| action.starts_with(service));
        !is_optional && !OPTIONAL_ACTIONS.contains(&action.as_str())
    });
    for (index, action) in required.enumerate() {
        let version = index + 3;
        proxy.inject(&[action], Fault::Deny);
        let mut run = Run::start(&account.workdir, rollout(version));
        let is_named = |text: &str| {
            let mut lines = text.lines();
            lines.any(|line| line.contains(action.as_str()) && line.contains("a policy of the caller"))
        };
        run.wait_for(&format!("a message on {action}"), |printed| {
            is_named(&printed.stdout) || is_named(&printed.stderr)
        })
        .await;
        proxy.heal();
        let ended = run.end().await;
        // A command that ends before the rollout has begun has one message, and changes nothing.
        let again = match ended.code {
            Some(0) => ended,
            _ => {
                assert_eq!(ended.stderr.matches("error: ").count(), 1, "{action}: {}", ended.stderr);
                loop {
                    let again = Run::to_end(&account.workdir, rollout(version)).await;
                    // A lock that could not be deleted expires after a minute.
                    if !again.stderr.contains(" is locked by ") {
                        break again;
                    }
                }
            }
        };
        assert_eq!(again.code, Some(0), "{action}: {}{}", again.stdout, again.stderr);
        assert!(
            again.stdout.contains(&format!(" {version} SUCCESSFUL")),
            "{action}: {}",
            again.stdout
        );
    }
}

/// Each call of a replica of the control plane denied, one at a time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_control_plane_names_each_missing_permission() {
    let account = Account::new();
    account
        .succeed("bluegreen", &["deploy", "--aws", "--version", "1", "--yes"])
        .await;
    for side in ["blue", "green"] {
        register(&account, side);
    }
    let namespaces = account.call("servicediscovery", "list_namespaces", &serde_json::json!({}));
    let namespace = &namespaces["Namespaces"][0];
    let id = |key: &str| namespace[key].as_str().expect("a text").to_owned();
    let proxy = FaultProxy::start(account.endpoint()).await;
    for (denied, resource) in [
        (&["ssm:GetParameter"][..], "/meshwright/bluegreen"),
        (
            &["ssm:GetParametersByPath", "\"/meshwright/bluegreen\""],
            "/meshwright/bluegreen",
        ),
        (
            &["ssm:GetParametersByPath", "/meshwright-revision/bluegreen"],
            "/meshwright-revision/bluegreen",
        ),
        (&["ssm:PutParameter"], "/meshwright-status/bluegreen"),
        (&["servicediscovery:DiscoverInstances"], ""),
        (&["servicediscovery:ListServices"], ""),
        (&["servicediscovery:GetNamespace"], &id("Id")),
    ] {
        let action = denied[0];
        proxy.inject(denied, Fault::Deny);
        let options = Options {
            publish_as: Some(replica_id(None)),
            namespaces: [(id("Name"), id("Id"))].into(),
            // Tasks of the tests are on loopback.
            endpoints: EndpointPolicy::within(["127.0.0.0/8".parse().expect("a network")]),
            ..Options::new(["bluegreen"])
        };
        let clients = Clients::new(&config(&proxy.url()).await);
        let serving = serve(clients, options, Addresses::default(), std::future::pending()).await;
        let (control, work) = serving.expect("bound listeners");
        let serving = AbortOnDropHandle::new(tokio::spawn(work));
        testkit::eventually(&format!("the status page has the remedy for {action}"), async || {
            let sources = control.status().sources;
            let mut texts = sources
                .iter()
                .flat_map(|source| source.error.iter().chain(&source.notes));
            let is_remedy = |text: &String| {
                text.contains(action)
                    && text.contains(resource)
                    && text.contains("allow")
                    && text.contains("the role of this task")
            };
            match texts.any(is_remedy) {
                true => Ok(()),
                false => Err(format!("{sources:#?}")),
            }
        })
        .await;
        proxy.heal();
        drop(serving);
    }
}
