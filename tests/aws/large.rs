//! Meshes over several stacks.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use crate::account::Account;
use crate::blue_green::{WITHOUT_TRAFFIC, control_plane, register, weights};
use crate::run::Ended;

/// For one command. The emulator creates some 2,000 resources one after the other.
const TIMEOUT: Duration = Duration::from_secs(900);

/// An account with an example in some size.
struct Large {
    account: Account,
    example: &'static str,
    services: usize,
}

impl Large {
    fn new(example: &'static str, services: usize) -> Self {
        Self {
            account: Account::new(),
            example,
            services,
        }
    }

    async fn run(&self, updated: Option<usize>, arguments: &[&str]) -> Ended {
        let mut command = self.account.example(self.example, arguments);
        command.env("MESH_SERVICES", self.services.to_string());
        if let Some(updated) = updated {
            command.env("MESH_UPDATED", updated.to_string());
        }
        let output = tokio::time::timeout(TIMEOUT, command.kill_on_drop(true).output()).await;
        let output = output.expect("it ends in time").expect("it starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Ended {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    #[track_caller]
    fn succeed<'a>(&'a self, updated: Option<usize>, arguments: &'a [&'a str]) -> impl Future<Output = Ended> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let ended = self.run(updated, arguments).await;
            assert_eq!(ended.code, Some(0), "{caller}: {arguments:?}:\n{}", ended.stderr);
            ended
        }
    }
}

/// The lines that report a finished stack, in order.
fn stacks(ended: &Ended, suffix: &str) -> Vec<String> {
    let lines = ended.stderr.lines().filter_map(|line| line.strip_suffix(suffix));
    lines.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_mesh_of_200_services_is_deployed_compared_changed_and_destroyed() {
    let large = Large::new("largemesh", 200);
    let before = large.account.counted();
    let order = [
        "network",
        "services-1",
        "services-2",
        "services-3",
        "services-4",
        "entrance",
    ];

    let deployed = large.succeed(None, &["deploy", "--yes"]).await;
    assert_eq!(stacks(&deployed, ": done"), order);
    let upload = "services-1: template uploaded to https://s3.eu-west-1.amazonaws.com/meshwright-templates-000000000000-eu-west-1/";
    assert!(deployed.stderr.contains(upload), "{}", deployed.stderr);
    let during = large.account.counted();
    let added = |counts: &BTreeMap<String, usize>, kind: &str| counts[kind] - before[kind];
    // A virtual node, router, route and service each; the mesh, the gateway and its route; a revision marker per stack.
    assert_eq!(added(&during, "parameters"), 4 * 200 + 3 + order.len());
    assert_eq!(added(&during, "registries"), 200 + 1);
    assert_eq!(added(&during, "task definitions"), 200 + 2);
    assert_eq!(added(&during, "stacks"), order.len());

    let same = large.succeed(None, &["diff", "--exit-code"]).await.stdout;
    let unchanged: String = order
        .iter()
        .map(|stack| format!("Stack {stack}: no changes\n"))
        .collect();
    assert_eq!(same, unchanged);

    let changed = large.succeed(Some(137), &["diff"]).await.stdout;
    assert!(
        changed.contains("AWS::ECS::TaskDefinition Service137TaskDefinition"),
        "{changed}"
    );
    assert_eq!(changed.matches("TaskDefinition Service").count(), 2, "{changed}");
    let updated = large.succeed(Some(137), &["deploy", "--yes"]).await;
    assert_eq!(stacks(&updated, ": done"), ["services-3"]);
    assert_eq!(stacks(&updated, ": no changes").len(), order.len() - 1);

    let destroyed = large.succeed(None, &["destroy", "--yes"]).await;
    let mut reverse = order.to_vec();
    reverse.reverse();
    assert_eq!(stacks(&destroyed, ": deleted"), reverse);
    let bucket = "bucket meshwright-templates-000000000000-eu-west-1 remains";
    assert!(destroyed.stderr.contains(bucket), "{}", destroyed.stderr);
    assert_eq!(large.account.counted(), before, "nothing else is left");
}

#[tokio::test]
async fn stacks_are_deployed_and_destroyed_one_by_one_in_their_order() {
    let large = Large::new("largemesh", 4);
    let early = large.run(None, &["deploy", "--yes", "services-2"]).await;
    assert_eq!(early.code, Some(1));
    let expected =
        "stack `services-2` cannot be deployed: stack `network` is not deployed yet; deploy that stack first";
    assert!(early.stderr.contains(expected), "{}", early.stderr);
    let absent = large.succeed(None, &["diff", "services-2"]).await.stdout;
    assert!(absent.starts_with("Stack services-2: not deployed"), "{absent}");

    large.succeed(None, &["deploy", "--yes", "network", "services-2"]).await;
    let inventory = large
        .account
        .call("cloudformation", "describe_stacks", &json!({"StackName": "services-2"}));
    let parameters = inventory["Stacks"][0]["Parameters"].as_array().expect("parameters");
    let cluster = parameters
        .iter()
        .find(|parameter| parameter["ParameterKey"] == "NetworkCluster");
    assert!(
        cluster.expect("the cluster")["ParameterValue"].is_string(),
        "{inventory}"
    );

    let in_use = large.run(None, &["destroy", "--yes", "network"]).await;
    assert_eq!(in_use.code, Some(1));
    let expected = "stack `services-2` is deployed and uses values of stack `network`; destroy it first, or both in one command: \
                    destroy network services-2";
    assert!(in_use.stderr.contains(expected), "{}", in_use.stderr);
    let destroyed = large
        .succeed(None, &["destroy", "--yes", "network", "services-2"])
        .await;
    assert_eq!(stacks(&destroyed, ": deleted"), ["services-2", "network"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_step_of_a_large_blue_green_deployment_uploads_its_template() {
    let large = Large::new("bluegreen", 12);
    let account = &large.account;
    large
        .succeed(None, &["deploy", "--aws", "--version", "1", "--yes"])
        .await;
    let uploaded = || {
        let bucket = json!({"Bucket": "meshwright-templates-000000000000-eu-west-1"});
        let objects = account.call("s3", "list_objects_v2", &bucket);
        let objects = objects["Contents"].as_array().expect("objects").iter();
        objects
            .map(|object| object["Size"].as_u64().expect("a size"))
            .collect::<Vec<_>>()
    };
    assert!(uploaded().len() == 1 && uploaded()[0] > 51_200, "{:?}", uploaded());
    for side in ["blue", "green"] {
        register(account, side);
    }
    let _replica = control_plane(account).await;
    large.succeed(None, &["diff", "--aws", "--version", "2"]).await;

    let deploy = [
        &["deploy", "--aws", "--version", "2", "--strategy", "canary:10%,1s"][..],
        &WITHOUT_TRAFFIC,
    ]
    .concat();
    let deployed = large.succeed(None, &deploy).await;
    assert!(
        deployed.stdout.contains("blue 1 at 0%, green 2 at 100%, 2 SUCCESSFUL"),
        "{}",
        deployed.stdout
    );
    assert_eq!(weights(account), [0, 100]);
    // The first one, that of version 2, and one for each of two steps.
    assert!(uploaded().len() >= 4, "{:?}", uploaded());
    let before = uploaded().len();
    // A parameter needs no upload.
    let opened = [
        "deploy",
        "--aws",
        "--version",
        "2",
        "--yes",
        "--allow-ip",
        "203.0.113.7/32",
    ];
    large.succeed(None, &opened).await;
    assert_eq!(uploaded().len(), before);

    large.succeed(None, &["rollback", "--aws"]).await;
    assert_eq!(weights(account), [100, 0]);
    let destroyed = large.succeed(None, &["destroy", "--aws", "--yes"]).await;
    assert!(
        destroyed.stderr.contains("remains, for the templates"),
        "{}",
        destroyed.stderr
    );
}
