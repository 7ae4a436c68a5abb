//! Container images: the check before a deployment, and digests in place of tags.

use serde_json::{Value, json};

use crate::account::Account;
use crate::blue_green::{control_plane, register};
use crate::run::{Ended, Run};

/// The account of the access key `test`.
const NUMBER: &str = "000000000000";

async fn deploy(account: &Account, arguments: &[&str]) -> Ended {
    let mut command = account.example("serviceconnect", &[&["deploy", "--yes"], arguments].concat());
    command.env_remove("MESHWRIGHT_SKIP_CHECKS");
    Run::to_end(&account.workdir, command).await
}

#[tokio::test]
async fn a_missing_image_is_named_before_anything_is_created() {
    let account = Account::new();
    let before = account.counted();
    let missing = deploy(&account, &[]).await;
    assert_eq!(missing.code, Some(1), "{}", missing.stderr);
    let version = env!("CARGO_PKG_VERSION");
    let registry = format!("{NUMBER}.dkr.ecr.eu-west-1.amazonaws.com");
    for expected in [
        "error: tasks could not start; nothing was changed:",
        &format!("image {registry}/meshwright/demo-service:{version} of "),
        "repository meshwright/demo-service does not exist in eu-west-1",
        "`cargo run -- images | sh`",
        "`--skip-checks`",
    ] {
        assert!(missing.stderr.contains(expected), "{expected}: {}", missing.stderr);
    }
    assert_eq!(account.counted(), before);

    // The repository exists, and the image does not.
    account.call(
        "ecr",
        "create_repository",
        &json!({"repositoryName": "meshwright/demo-service"}),
    );
    let no_tag = deploy(&account, &[]).await;
    assert!(
        no_tag.stderr.contains(&format!(
            "repository meshwright/demo-service in eu-west-1 has no image {version}"
        )),
        "{}",
        no_tag.stderr
    );

    account.push_images(NUMBER);
    let deployed = deploy(&account, &[]).await;
    assert_eq!(deployed.code, Some(0), "{}", deployed.stderr);
}

#[tokio::test]
async fn the_check_can_be_skipped() {
    let account = Account::new();
    let deployed = deploy(&account, &["--skip-checks"]).await;
    assert_eq!(deployed.code, Some(0), "{}", deployed.stderr);
}

/// Pushes another build of the demo service under its tag. Returns its digest.
fn push_build(account: &Account, build: u32) -> String {
    let manifests = json!([{"platform": {"architecture": "amd64", "os": "linux"}}]);
    let annotations = json!({"build": build.to_string()});
    let manifest = json!({"schemaVersion": 2, "manifests": manifests, "annotations": annotations});
    let image = json!({
        "repositoryName": meshwright::DEMO_SERVICE_IMAGE,
        "imageTag": env!("CARGO_PKG_VERSION"),
        "imageManifest": manifest.to_string(),
        "imageManifestMediaType": "application/vnd.oci.image.index.v1+json",
    });
    let pushed = account.call("ecr", "put_image", &image);
    let digest = pushed["image"]["imageId"]["imageDigest"].as_str();
    digest.expect("a digest").to_owned()
}

/// The digests of the demo service in the deployed template, by task definition.
fn digests(account: &Account, stack: &str, definitions: [&str; 2]) -> [String; 2] {
    let found = account.call("cloudformation", "get_template", &json!({"StackName": stack}));
    let template = match &found["TemplateBody"] {
        Value::String(text) => serde_json::from_str(text).expect("JSON"),
        template => template.clone(),
    };
    definitions.map(|id| {
        let containers = &template["Resources"][id]["Properties"]["ContainerDefinitions"];
        let images = containers.as_array().expect("containers").iter();
        let images = images.filter_map(|container| container["Image"]["Fn::Sub"].as_str());
        let mut of_demo = images.filter(|image| image.contains(meshwright::DEMO_SERVICE_IMAGE));
        let image = of_demo.next().expect("a container with the demo service");
        let (_, digest) = image.split_once('@').unwrap_or_else(|| panic!("not pinned: {image}"));
        digest.to_owned()
    })
}

#[tokio::test]
async fn a_rebuilt_image_is_shown_and_deployed() {
    let account = Account::new();
    account.push_images(NUMBER);
    let deployed = deploy(&account, &[]).await;
    assert_eq!(deployed.code, Some(0), "{}", deployed.stderr);
    let diff = async |expected: i32| {
        let mut command = account.example("serviceconnect", &["diff", "--exit-code"]);
        command.env_remove("MESHWRIGHT_SKIP_CHECKS");
        let ended = Run::to_end(&account.workdir, command).await;
        assert_eq!(ended.code, Some(expected), "{}{}", ended.stdout, ended.stderr);
        ended
    };
    diff(0).await;
    let rebuilt = push_build(&account, 2);
    let differs = diff(3).await;
    let line = format!(" → {}", &rebuilt[..19]);
    assert!(differs.stderr.contains(&line), "{}", differs.stderr);
    assert!(differs.stdout.contains(&format!("@{rebuilt}\"")), "{}", differs.stdout);

    // Without calls to the registry, the deployed digest stays.
    let skipped = deploy(&account, &["--skip-checks"]).await;
    assert!(
        skipped.stderr.contains("serviceconnect: no changes"),
        "{}",
        skipped.stderr
    );
    let deployed = deploy(&account, &[]).await;
    assert_eq!(deployed.code, Some(0), "{}", deployed.stderr);
    assert!(deployed.stderr.contains(&line), "{}", deployed.stderr);
    diff(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_changes_the_image_of_one_side_and_a_rollback_of_none() {
    let account = Account::new();
    account.push_images(NUMBER);
    let first = push_build(&account, 1);
    let sides = || digests(&account, "bluegreen", ["BlueTaskDefinition", "GreenTaskDefinition"]);
    let example = |arguments: &[&str]| {
        let mut command = account.example("bluegreen", arguments);
        command.env_remove("MESHWRIGHT_SKIP_CHECKS");
        command
    };
    let succeed = async |arguments: &[&str]| {
        let ended = Run::to_end(&account.workdir, example(arguments)).await;
        assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    };
    let initial = ["deploy", "--aws", "--version", "1", "--yes"];
    succeed(&initial).await;
    assert_eq!(sides(), [first.clone(), first.clone()]);
    for side in ["blue", "green"] {
        register(&account, side);
    }
    let _replica = control_plane(&account).await;

    // A side that keeps its version keeps its image.
    let second = push_build(&account, 2);
    succeed(&initial).await;
    assert_eq!(sides(), [first.clone(), first.clone()]);

    let rollout = ["deploy", "--aws", "--version", "2", "--strategy", "steps:10%+hold,100%"];
    let mut run = Run::start(&account.workdir, example(&rollout));
    let paused = "blue 1 at 90%, green 2 at 10%, POST_";
    run.wait_for(paused, |printed| printed.stdout.contains(paused)).await;
    run.signal(rustix::process::Signal::KILL);
    drop(run);
    assert_eq!(sides(), [first.clone(), second.clone()]);

    // The side with all traffic again has had its image all the time; the withdrawn version stays without traffic.
    push_build(&account, 3);
    let aborted = Run::to_end(&account.workdir, example(&["abort", "--aws"])).await;
    assert_eq!(sides(), [first, second], "{}{}", aborted.stdout, aborted.stderr);
}
