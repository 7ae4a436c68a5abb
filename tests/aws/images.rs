//! The check of container images before a deployment.

use serde_json::json;

use crate::account::Account;
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
