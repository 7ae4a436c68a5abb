//! Failing calls: each results in one message with call, resource and remedy, and leaves nothing incomplete.

use std::sync::Arc;

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_types::sdk_config::Builder;
use cfn_deploy::{DeploymentInput, Environment, Error, ErrorKind};
use serde_json::json;

use crate::connection::{RecordedRequest, Response, config};
use crate::fixture::{AccountFixture, deploy, ready_change_set, ssm_parameter, template};
use crate::recording_observer::RecordingObserver;

fn input() -> DeploymentInput {
    DeploymentInput::new("shop", template(&json!({"A": ssm_parameter("/a", "1")})))
}

/// Fails these calls.
fn failing(
    action: &'static str,
    status: u16,
    code: &'static str,
) -> impl Fn(&RecordedRequest) -> Option<Response> + Send + Sync {
    move |request| (request.action == action).then(|| Response::error(status, code, "Because of something."))
}

/// Asserts that a message contains no debug output.
pub(crate) fn assert_readable(error: &Error) {
    let text = error.to_string();
    for debris in [
        "SdkError",
        "ServiceError",
        "Some(",
        "{ ",
        "DispatchFailure",
        "ConnectorError",
        "\n",
    ] {
        assert!(!text.contains(debris), "{debris}: {text}");
    }
}

#[tokio::test]
async fn errors_of_calls_name_action_resource_and_remedy() {
    let rows = [
        (
            "CreateChangeSet",
            400,
            "Throttling",
            ErrorKind::Throttled,
            "wait a minute",
        ),
        (
            "DescribeStacks",
            400,
            "RequestLimitExceeded",
            ErrorKind::Throttled,
            "wait a minute",
        ),
        (
            "CreateChangeSet",
            403,
            "AccessDenied",
            ErrorKind::AccessDenied,
            "must allow `cloudformation:CreateChangeSet`",
        ),
        (
            "DescribeStacks",
            403,
            "AccessDenied",
            ErrorKind::AccessDenied,
            "must allow `cloudformation:DescribeStacks`",
        ),
        (
            "CreateChangeSet",
            403,
            "ExpiredToken",
            ErrorKind::ExpiredCredentials,
            "aws sso login",
        ),
        (
            "DescribeStacks",
            403,
            "InvalidClientTokenId",
            ErrorKind::NoCredentials,
            "check AWS_PROFILE",
        ),
        (
            "DescribeStacks",
            403,
            "OptInRequired",
            ErrorKind::RegionDisabled,
            "`aws account enable-region --region-name us-east-1`",
        ),
        (
            "CreateChangeSet",
            403,
            "RequestTimeTooSkewed",
            ErrorKind::ClockSkew,
            "the clock of this machine is wrong",
        ),
        (
            "DescribeStacks",
            503,
            "ServiceUnavailable",
            ErrorKind::Unreachable,
            "AWS failed with HTTP status 503",
        ),
        (
            "CreateChangeSet",
            400,
            "LimitExceededException",
            ErrorKind::Rejected,
            "Because of something",
        ),
    ];
    for (action, status, code, kind, remedy) in rows {
        let account = AccountFixture::new();
        let (environment, _) = account.scripted(failing(action, status, code));
        let error = environment.create_change_set(&input()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        let text = error.to_string();
        assert!(
            text.starts_with(&format!(
                "cloudformation:{action} for stack `shop` in us-east-1 (http://"
            )),
            "{text}"
        );
        assert!(text.contains(remedy), "{text}");
        assert_readable(&error);
        assert_eq!(account.counts().await["stacks"], 0);
    }
}

#[tokio::test]
async fn the_denied_action_from_aws_is_the_one_to_allow() {
    let account = AccountFixture::new();
    let message =
        "User: arn:aws:iam::1:user/u is not authorized to perform: iam:PassRole on resource: arn:aws:iam::1:role/r";
    let (environment, _) = account.scripted(move |request| {
        (request.action == "CreateChangeSet").then(|| Response::error(403, "AccessDenied", message))
    });
    let error = environment.create_change_set(&input()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    assert!(error.to_string().ends_with("must allow `iam:PassRole`"), "{error}");
}

#[tokio::test]
async fn an_unreadable_change_set_is_deleted() {
    let account = AccountFixture::new();
    let (environment, _) = account.scripted(failing("DescribeChangeSet", 403, "AccessDenied"));
    let error = environment.create_change_set(&input()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    assert!(
        error.to_string().contains("`cloudformation:DescribeChangeSet`"),
        "{error}"
    );
    assert_eq!(account.counts().await["stacks"], 0);
}

#[tokio::test]
async fn a_change_set_that_cannot_be_executed_is_deleted() {
    let account = AccountFixture::new();
    let (environment, _) = account.scripted(failing("ExecuteChangeSet", 403, "AccessDenied"));
    let error = ready_change_set(&environment, &input())
        .await
        .execute(&mut ())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    assert!(error.to_string().ends_with("Nothing was changed"), "{error}");
    let counts = account.counts().await;
    assert_eq!((counts["stacks"], counts["parameters"]), (0, 0));
}

#[tokio::test]
async fn throttling_during_an_operation_is_retried_and_reported() {
    let account = AccountFixture::new();
    let (environment, _) = account.scripted(|request| {
        let throttled = request.action == "DescribeStackEvents" && request.number < 9;
        throttled.then(|| Response::error(400, "Throttling", "Rate exceeded"))
    });
    let (_, observer) = deploy(&environment, &input()).await.unwrap();
    let recorded = observer.notes();
    assert_eq!(
        recorded.len(),
        3,
        "one note per three attempts of the client: {recorded:?}"
    );
    assert!(recorded[0].contains("throttled by AWS"), "{recorded:?}");
    assert_eq!(observer.lines().len(), 4, "no event is lost: {:?}", observer.lines());
}

#[tokio::test]
async fn endless_throttling_ends_with_a_remedy() {
    let account = AccountFixture::new();
    let (environment, _) = account.scripted(failing("DescribeStackEvents", 400, "Throttling"));
    let error = deploy(&environment, &input()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled);
    assert!(
        error
            .to_string()
            .contains("The operation on stack `shop` continues in CloudFormation"),
        "{error}"
    );
    let found = account.environment().deployed("shop").await.unwrap().unwrap();
    assert_eq!(found.status.as_str(), "CREATE_COMPLETE");
}

#[tokio::test]
async fn expired_credentials_end_a_wait_at_once() {
    let account = AccountFixture::new();
    let (environment, calls) = account.scripted(failing("DescribeStackEvents", 403, "ExpiredTokenException"));
    let error = deploy(&environment, &input()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ExpiredCredentials);
    assert!(
        error.to_string().contains("aws sso login") && error.to_string().contains("continues in CloudFormation"),
        "{error}"
    );
    assert_eq!(calls.lock().unwrap()["DescribeStackEvents"], 1);
}

#[tokio::test]
async fn errors_of_cloud_map_name_action_and_resource() {
    let account = AccountFixture::new();
    let (environment, _) = account.scripted(|request| {
        let denied = r#"{"__type": "AccessDeniedException", "message": "You may not."}"#;
        (request.action == "ListNamespaces").then(|| Response::json(400, denied))
    });
    let cluster = json!({"Type": "AWS::ECS::Cluster", "Properties": {"ServiceConnectDefaults": {"Namespace": "shop"}}});
    deploy(
        &environment,
        &DeploymentInput::new("shop", template(&json!({"Cluster": cluster}))),
    )
    .await
    .unwrap();
    let error = environment
        .destroy("shop", &mut RecordingObserver::new())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    let text = error.to_string();
    assert!(
        text.starts_with("servicediscovery:ListNamespaces for namespace `shop` in us-east-1"),
        "{text}"
    );
    assert!(text.contains("must allow `servicediscovery:ListNamespaces`"), "{text}");
    assert_readable(&error);
}

#[tokio::test]
async fn an_unreachable_endpoint_is_reported_with_its_address() {
    // A port without a listener.
    let address = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let environment = Environment::new(&config(&address, "000000000001", Arc::new(|_| None)).0).unwrap();
    let error = environment.create_change_set(&input()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    let text = error.to_string();
    assert!(
        text.contains(&address) && text.contains("cannot be reached") && text.contains("refused"),
        "{text}"
    );
    assert_readable(&error);
}

/// A provider without credentials, like the chain of `aws-config` in an empty environment.
#[derive(Debug)]
struct NoCredentials;

impl ProvideCredentials for NoCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(CredentialsError::not_loaded("no providers in chain")))
    }
}

#[tokio::test]
async fn missing_region_and_credentials_name_a_remedy() {
    let (config, calls) = config("http://127.0.0.1:1", "000000000001", Arc::new(|_| None));
    let with = |change: &dyn Fn(&mut Builder)| {
        let mut changed = config.to_builder();
        change(&mut changed);
        Environment::new(&changed.build())
    };
    let error = with(&|config| _ = config.set_region(None)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoRegion);
    assert!(error.to_string().contains("AWS_REGION"), "{error}");

    let none = with(&|config| _ = config.set_credentials_provider(None)).unwrap_err();
    let no_credentials = SharedCredentialsProvider::new(NoCredentials);
    let environment = with(&|config| _ = config.set_credentials_provider(Some(no_credentials.clone()))).unwrap();
    for error in [none, environment.compare(&input()).await.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::NoCredentials, "{error}");
        assert!(
            error
                .to_string()
                .contains("there are no AWS credentials; set AWS_PROFILE"),
            "{error}"
        );
        assert_readable(&error);
    }
    assert!(calls.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_caller_identity_has_account_and_region() {
    let account = AccountFixture::new();
    let caller = account.environment().caller_identity().await.unwrap();
    assert_eq!(
        (caller.account.as_str(), caller.region.as_str()),
        (account.number.as_str(), "us-east-1")
    );
    assert!(caller.arn.starts_with("arn:aws:"), "{}", caller.arn);
}
