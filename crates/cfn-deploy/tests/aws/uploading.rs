//! Templates over 51,200 bytes: the bucket, its settings, and its errors.

use cfn_deploy::{ChangeSetOutcome, DeploymentInput, ErrorKind};
use serde_json::{Map, Value as Json};

use crate::connection::{Calls, Response};
use crate::fixture::{AccountFixture, deploy, ssm_parameter, template};

/// An input with a template of some 60 kB, whose parameter `Given` is used by one resource.
fn large(value: &str) -> DeploymentInput {
    let mut resources: Map<String, Json> = (0..30)
        .map(|n| {
            (
                format!("P{n}"),
                ssm_parameter(&format!("/large/{n}"), &"x".repeat(2000)),
            )
        })
        .collect();
    resources.insert("Given".to_owned(), ssm_parameter("/large/given", value));
    DeploymentInput::new("large", template(&Json::Object(resources)))
}

fn bucket(account: &AccountFixture) -> String {
    format!("meshwright-templates-{}-us-east-1", account.number)
}

/// The calls about a bucket, without its name and the hash of the key.
fn s3_calls(calls: &Calls, bucket: &str) -> Vec<String> {
    let calls = calls.lock().unwrap();
    let s3 = calls.iter().filter(|(action, _)| action.contains(" /"));
    let text = |(action, count): (&String, &usize)| {
        let path = action
            .split_once("/meshwright/")
            .map_or(action.as_str(), |(path, _)| path);
        let what = if path == action { "" } else { "/KEY" };
        format!("{count} {path}{what}").replace(&format!("/{bucket}"), "")
    };
    s3.map(text).collect()
}

#[tokio::test]
async fn a_large_template_is_uploaded_once_to_a_private_bucket() {
    let account = AccountFixture::new();
    let (environment, calls) = account.scripted(|_| None);
    assert_eq!(environment.remaining_template_bucket().await.unwrap(), None);
    deploy(&environment, &large("1")).await.unwrap();
    let bucket = bucket(&account);
    let expected = [
        "1 GET /?tagging",
        "1 HEAD /",
        "1 HEAD /KEY",
        "1 PUT /",
        "1 PUT /?encryption",
        "1 PUT /?lifecycle",
        "1 PUT /?policy",
        "1 PUT /?publicAccessBlock",
        "1 PUT /?tagging",
        "1 PUT /KEY",
    ];
    assert_eq!(s3_calls(&calls, &bucket), expected);

    let s3 = account.s3();
    let access = s3.get_public_access_block().bucket(&bucket).send().await.unwrap();
    let access = access.public_access_block_configuration.unwrap();
    assert!(access.block_public_acls.unwrap() && access.restrict_public_buckets.unwrap());
    let policy = s3.get_bucket_policy().bucket(&bucket).send().await.unwrap();
    let policy: Json = serde_json::from_str(policy.policy().unwrap()).unwrap();
    assert_eq!(
        policy["Statement"][0]["Condition"]["Bool"]["aws:SecureTransport"],
        "false"
    );
    let rules = s3
        .get_bucket_lifecycle_configuration()
        .bucket(&bucket)
        .send()
        .await
        .unwrap();
    assert_eq!(rules.rules()[0].expiration().unwrap().days(), Some(30));
    let ownership = s3.get_bucket_ownership_controls().bucket(&bucket).send().await.unwrap();
    let ownership = ownership.ownership_controls.unwrap();
    assert_eq!(ownership.rules()[0].object_ownership().as_str(), "BucketOwnerEnforced");
    assert_eq!(
        environment.remaining_template_bucket().await.unwrap(),
        Some(bucket.clone())
    );

    // The same template again: CloudFormation has it.
    let (environment, calls) = account.scripted(|_| None);
    let again = environment.create_change_set(&large("1")).await.unwrap();
    assert!(matches!(again, ChangeSetOutcome::NoChanges(_)));
    assert_eq!(s3_calls(&calls, &bucket), [""; 0]);
    // Another one, compared and deployed: one upload, no settings.
    environment.compare(&large("2")).await.unwrap();
    deploy(&environment, &large("2")).await.unwrap();
    assert_eq!(
        s3_calls(&calls, &bucket),
        ["1 GET /?tagging", "2 HEAD /KEY", "1 PUT /KEY"]
    );
}

#[tokio::test]
async fn the_bucket_is_created_without_a_permission_for_its_ownership() {
    let account = AccountFixture::new();
    let (environment, _) = account.scripted(|request| {
        // S3 checks `s3:PutBucketOwnershipControls` if the call sets the ownership.
        request.sets_ownership.then(|| Response::s3_error(403, "AccessDenied"))
    });
    deploy(&environment, &large("1")).await.unwrap();
}

#[tokio::test]
async fn a_bucket_whose_creation_was_interrupted_gets_its_settings() {
    let account = AccountFixture::new();
    let s3 = account.s3();
    s3.create_bucket().bucket(bucket(&account)).send().await.unwrap();
    deploy(&account.environment(), &large("1")).await.unwrap();
    s3.get_bucket_policy().bucket(bucket(&account)).send().await.unwrap();
    let tags = s3.get_bucket_tagging().bucket(bucket(&account)).send().await.unwrap();
    assert!(tags.tag_set().iter().any(|tag| tag.key() == "meshwright:settings"));
}

#[tokio::test]
async fn a_given_bucket_is_used_as_it_is() {
    let account = AccountFixture::new();
    account
        .s3()
        .create_bucket()
        .bucket("my.templates")
        .send()
        .await
        .unwrap();
    let (environment, calls) = account.scripted(|_| None);
    let environment = environment.with_template_bucket("my.templates");
    deploy(&environment, &large("1")).await.unwrap();
    assert_eq!(s3_calls(&calls, "my.templates"), ["1 HEAD /KEY", "1 PUT /KEY"]);
    let missing = account.environment().with_template_bucket("no-such-bucket");
    let error = missing.create_change_set(&large("2")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    let expected =
        "bucket `no-such-bucket` for templates does not exist; create it in us-east-1, or leave out --template-bucket";
    assert!(error.to_string().starts_with(expected), "{error}");
}

#[tokio::test]
async fn a_bucket_of_another_account_is_rejected_by_name() {
    let account = AccountFixture::new();
    // Created by another account, and readable by everyone: only calls that name the owner fail.
    let (environment, _) = account.scripted(|call| match call.action.as_str() {
        action if action.contains("?tagging") => Some(Response::s3_error(403, "AccessDenied")),
        action if action.starts_with("HEAD") && action.contains("/meshwright/") => Some(Response::s3_error(403, "")),
        action if action.starts_with("HEAD") && call.number == 0 => Some(Response::s3_error(403, "")),
        action if action.starts_with("HEAD") => Some(Response::xml("HeadBucket", "")),
        _ => None,
    });
    let error = environment.create_change_set(&large("1")).await.unwrap_err();
    let expected = format!(
        "bucket `{}` for templates belongs to another account than {}; nothing was uploaded: use a bucket of yours by \
         --template-bucket",
        bucket(&account),
        account.number
    );
    assert_eq!((error.kind(), error.to_string()), (ErrorKind::Rejected, expected));

    // Created by another account between the two calls.
    let (environment, _) = account.scripted(|call| {
        let is_creation = call.action.starts_with("PUT") && !call.action.contains('?');
        is_creation.then(|| Response::s3_error(409, "BucketAlreadyExists"))
    });
    let error = environment.create_change_set(&large("1")).await.unwrap_err();
    assert!(error.to_string().contains("belongs to another account than"), "{error}");
    assert_eq!(account.counts().await["stacks"], 0);
}

#[tokio::test]
async fn a_bucket_of_another_region_or_without_permission_is_reported_with_the_remedy() {
    let account = AccountFixture::new();
    account.s3().create_bucket().bucket("elsewhere").send().await.unwrap();
    let is_upload = |action: &str| action.starts_with("PUT /elsewhere/meshwright/");
    let (environment, _) = account.scripted(move |call| {
        let moved = || Response::s3_error(301, "PermanentRedirect").in_region("eu-west-1");
        is_upload(&call.action).then(moved)
    });
    let environment = environment.with_template_bucket("elsewhere");
    let error = environment.create_change_set(&large("1")).await.unwrap_err();
    let expected = "bucket `elsewhere` for templates is in eu-west-1, and the stack in us-east-1; use a bucket in us-east-1 by \
                    --template-bucket";
    assert_eq!(error.to_string(), expected);

    let (environment, _) =
        account.scripted(move |call| is_upload(&call.action).then(|| Response::s3_error(403, "AccessDenied")));
    let environment = environment.with_template_bucket("elsewhere");
    let error = environment.create_change_set(&large("1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    for part in [
        "s3:PutObject for bucket `elsewhere` in us-east-1",
        "a policy of the caller must allow `s3:PutObject`",
        "leave out --template-bucket",
    ] {
        assert!(error.to_string().contains(part), "{part}: {error}");
    }
}

#[tokio::test]
async fn a_given_bucket_is_checked_before_the_first_stack() {
    let account = AccountFixture::new();
    account.s3().create_bucket().bucket("ours").send().await.unwrap();
    let small = DeploymentInput::new("small", template(&serde_json::json!({"A": ssm_parameter("/a", "1")})));
    let inputs = [small.clone(), large("1")];
    let missing = account.environment().with_template_bucket("no-such-bucket");
    let error = missing.check_template_bucket(&inputs).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    let expected =
        "bucket `no-such-bucket` for templates does not exist; create it in us-east-1, or leave out --template-bucket";
    assert!(error.to_string().starts_with(expected), "{error}");
    // No template needs it.
    missing.check_template_bucket(&[small]).await.unwrap();

    account.environment().check_template_bucket(&inputs).await.unwrap();
    let given = account.environment().with_template_bucket("ours");
    given.check_template_bucket(&inputs).await.unwrap();
    // Uploads do not need the permission for this check.
    let (denied, _) = account.scripted(|call| call.action.starts_with("HEAD").then(|| Response::s3_error(403, "")));
    let denied = denied.with_template_bucket("ours");
    denied.check_template_bucket(&inputs).await.unwrap();
    let (moved, _) = account.scripted(|call| {
        let response = || Response::s3_error(301, "").in_region("eu-west-1");
        call.action.starts_with("HEAD").then(response)
    });
    let moved = moved.with_template_bucket("ours");
    let error = moved.check_template_bucket(&inputs).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("is in eu-west-1, and the stack in us-east-1"),
        "{error}"
    );
}
