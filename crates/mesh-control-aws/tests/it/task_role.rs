//! Roles of tasks as identities on the xDS port: MiniStack's STS, the file that `mesh-control role-token` keeps, and an STS
//! that rejects or does not answer.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_sdk_ssm::config::{Credentials as AwsCredentials, SharedCredentialsProvider};
use aws_types::SdkConfig;
use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::routing::get;
use mesh_control::access::AllowedNode;
use mesh_control::{AuthenticationError, Authenticator, Credentials, Principal};
use mesh_control_aws::{StsEndpoint, TaskRoleAuthenticator, write_token_file};
use tokio::net::TcpListener;

use super::account::Account;
use crate::harness::eventually;

const NODE: &str = "mesh/shop/virtualNode/blue";
const ROLE: &str = "arn:aws:iam::000000000000:role/blue";

fn authenticator(config: &SdkConfig, roles: &[&str]) -> TaskRoleAuthenticator {
    let allowed: Vec<AllowedNode> = roles
        .iter()
        .map(|role| format!("{role}={NODE}").parse().expect("a pair"))
        .collect();
    let endpoint = StsEndpoint::of_config(config).expect("a region and an endpoint");
    TaskRoleAuthenticator::new(endpoint, "shop", &allowed).expect("certificates")
}

/// The token in a file for Envoy, with its scheme.
async fn token_in(file: &Path) -> String {
    eventually("the file has a token", async || {
        let content = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
        let secret: serde_json::Value = serde_json::from_str(&content).map_err(|error| error.to_string())?;
        let token = &secret["resources"][0]["generic_secret"]["secret"]["inline_string"];
        token.as_str().map(str::to_owned).ok_or(content)
    })
    .await
}

/// A token of the role in `config`, signed for this control plane.
async fn token(config: &SdkConfig, audience: &str) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("token.json");
    tokio::select! {
        ended = write_token_file(config, audience, &file) => panic!("{ended:?}"),
        token = token_in(&file) => {
            let mode = file.metadata().expect("a file").permissions().mode() & 0o777;
            assert_eq!(mode, 0o600);
            token
        }
    }
}

async fn authenticate(
    authenticator: &TaskRoleAuthenticator,
    token: &str,
) -> Result<Arc<dyn Principal>, AuthenticationError> {
    let mut credentials = Credentials::default();
    credentials.authorization = Some(token.to_owned());
    authenticator.authenticate(&credentials).await
}

fn reason<T: std::fmt::Debug>(outcome: Result<T, AuthenticationError>) -> String {
    match outcome.expect_err("rejected") {
        AuthenticationError::Rejected(reason) => reason,
        AuthenticationError::Unavailable(reason) => format!("unavailable: {reason}"),
    }
}

/// The configuration with the credentials of a session of this role.
async fn assume(account: &Account, role: &str) -> SdkConfig {
    let endpoint = account.config.endpoint_url().expect("an endpoint");
    let url = format!(
        "{endpoint}/?Action=AssumeRole&Version=2011-06-15&RoleSessionName=task&RoleArn={}",
        role.replace(':', "%3A").replace('/', "%2F")
    );
    let credential = "AKIDEXAMPLE/20261201/us-east-1/sts/aws4_request";
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let response = client
        .get(url)
        .header("authorization", format!("AWS4-HMAC-SHA256 Credential={credential}"))
        .send()
        .await
        .expect("a response");
    let body = response.text().await.expect("a text");
    let value = |name: &str| {
        let (_, rest) = body
            .split_once(&format!("<{name}>"))
            .unwrap_or_else(|| panic!("{name}: {body}"));
        rest.split_once('<').expect("an end").0.to_owned()
    };
    let credentials = AwsCredentials::new(
        value("AccessKeyId"),
        value("SecretAccessKey"),
        Some(value("SessionToken")),
        None,
        "test",
    );
    let provider = SharedCredentialsProvider::new(credentials);
    account.config.to_builder().credentials_provider(provider).build()
}

#[tokio::test]
async fn a_task_acts_as_the_node_of_its_role() {
    let account = Account::open().await;
    let task = assume(&account, ROLE).await;
    let token = token(&task, "shop").await;
    let principal = authenticate(&authenticator(&account.config, &[ROLE]), &token).await;
    let principal = principal.expect("the role is allowed");
    assert_eq!(principal.name(), format!("the role {ROLE}"));
    assert!(principal.may_act_as(NODE) && !principal.may_act_as("mesh/shop/virtualNode/green"));
    assert!(principal.expires().is_some());
    let other = authenticator(&account.config, &["arn:aws:iam::000000000000:role/green"]);
    let reason = reason(authenticate(&other, &token).await);
    assert_eq!(reason, format!("no node is allowed for {ROLE}"));
}

/// An STS that responds with this status, and counts its calls. It checks that it is called with the name of the control plane.
async fn sts(account: &Account, status: StatusCode) -> (SdkConfig, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let respond = get(async move |request: Request| {
        counted.fetch_add(1, Ordering::Relaxed);
        let name = request.headers().get("x-meshwright-control-plane");
        assert_eq!(name.and_then(|name| name.to_str().ok()), Some("shop"));
        (status, "<Arn>arn:aws:sts::000000000000:assumed-role/blue/task</Arn>")
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    // It ends with the runtime of the test.
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(respond)).await });
    (account.config_at(&format!("http://{address}")), calls)
}

#[tokio::test]
async fn sts_is_asked_once_for_a_token() {
    let account = Account::open().await;
    for (status, expected, calls) in [
        (StatusCode::OK, None, 1),
        (
            StatusCode::FORBIDDEN,
            Some("STS rejects the role token: 403 Forbidden"),
            1,
        ),
        (
            StatusCode::TOO_MANY_REQUESTS,
            Some("unavailable: STS: 429 Too Many Requests"),
            3,
        ),
        (
            StatusCode::SERVICE_UNAVAILABLE,
            Some("unavailable: STS: 503 Service Unavailable"),
            3,
        ),
        (
            // Not followed.
            StatusCode::TEMPORARY_REDIRECT,
            Some("unavailable: STS: 307 Temporary Redirect"),
            3,
        ),
    ] {
        let (config, counted) = sts(&account, status).await;
        let (authenticator, token) = (authenticator(&config, &[ROLE]), token(&config, "shop").await);
        for _ in 0..3 {
            let outcome = authenticate(&authenticator, &token).await;
            match expected {
                None => drop(outcome.expect("accepted")),
                Some(expected) => assert_eq!(reason(outcome), expected),
            }
        }
        assert_eq!(counted.load(Ordering::Relaxed), calls, "{status}");
    }
}

#[tokio::test]
async fn tokens_for_other_places_are_sent_nowhere() {
    let account = Account::open().await;
    let (config, calls) = sts(&account, StatusCode::OK).await;
    let (elsewhere, others) = sts(&account, StatusCode::OK).await;
    let authenticator = authenticator(&config, &[ROLE]);
    let outcome = authenticate(&authenticator, &token(&elsewhere, "shop").await).await;
    let reason = reason(outcome);
    assert!(
        reason.contains("which is not the STS of this control plane"),
        "{reason}"
    );
    assert_eq!((calls.load(Ordering::Relaxed), others.load(Ordering::Relaxed)), (0, 0));
}

#[tokio::test]
async fn an_sts_that_does_not_answer_is_not_waited_for() {
    let account = Account::open().await;
    // It accepts no connection.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let config = account.config_at(&format!("http://{}", listener.local_addr().expect("an address")));
    let (authenticator, token) = (authenticator(&config, &[ROLE]), token(&config, "shop").await);
    let outcome = tokio::time::timeout(Duration::from_secs(20), authenticate(&authenticator, &token)).await;
    assert_eq!(
        reason(outcome.expect("in time")),
        "unavailable: STS: no response within 5s"
    );
}
