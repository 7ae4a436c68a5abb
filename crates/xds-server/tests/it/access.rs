//! Who may have a stream, as which node; with an authenticator of tokens `NODE` and `NODE until MILLISECONDS`.

use std::future::{pending, ready};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tonic::Code;
use xds_server::{
    Authenticating, AuthenticationError, Authenticator, Credentials, Limits, Principal, ResourceType, XdsProtocol,
};

use crate::server::{Client, Server, node_message, snapshot};

#[derive(Debug)]
struct Tokens;

#[derive(Debug)]
struct Holder {
    name: String,
    node: String,
    expires: Option<SystemTime>,
}

impl Principal for Holder {
    fn name(&self) -> &str {
        &self.name
    }

    fn may_act_as(&self, node_id: &str) -> bool {
        self.node == node_id
    }

    fn expires(&self) -> Option<SystemTime> {
        self.expires
    }
}

impl Authenticator for Tokens {
    fn authenticate<'a>(&'a self, credentials: &'a Credentials) -> Authenticating<'a> {
        let token = credentials
            .authorization
            .as_deref()
            .and_then(|value| value.strip_prefix("Bearer "));
        let outcome = match token {
            None => Err(AuthenticationError::Rejected("no token".to_owned())),
            Some("away") => Err(AuthenticationError::Unavailable("the issuer is away".to_owned())),
            Some("slow") => return Box::pin(pending()),
            Some(token) => {
                let (node, milliseconds) = token.split_once(" until ").unwrap_or((token, ""));
                let left = milliseconds.parse().ok().map(Duration::from_millis);
                let holder: Arc<dyn Principal> = Arc::new(Holder {
                    name: format!("the token of {node:?}"),
                    node: node.to_owned(),
                    expires: left.map(|left| SystemTime::now() + left),
                });
                Ok(holder)
            }
        };
        Box::pin(ready(outcome))
    }
}

async fn start() -> Server {
    let server = Server::start(Limits::default(), Some(Arc::new(Tokens))).await;
    server.source.set(snapshot(ResourceType::Cluster, &[("a", 1)]));
    server
}

async fn client(server: &Server, protocol: XdsProtocol, node: &str, token: Option<&str>) -> Client {
    let mut client = Client::open(server.channel().await, protocol, node_message(node), token).await;
    client.subscribe(ResourceType::Cluster, &[]).await;
    client
}

#[tokio::test]
async fn a_client_gets_only_the_configuration_of_its_node() {
    let server = start().await;
    for protocol in [XdsProtocol::Sotw, XdsProtocol::Delta] {
        let mut blue = client(&server, protocol, "blue", Some("blue")).await;
        assert!(blue.response().await.resources.contains_key("a"));
        for (node, token, code, message) in [
            (
                "green",
                Some("blue"),
                Code::PermissionDenied,
                r#"the token of "blue" may not act as node "green""#,
            ),
            (
                "green",
                None,
                Code::Unauthenticated,
                r#"node "green" is not authenticated: no token"#,
            ),
            (
                "a\nb",
                None,
                Code::Unauthenticated,
                "a node without an id is not authenticated: no token",
            ),
            (
                "green",
                Some("away"),
                Code::Unavailable,
                r#"node "green" cannot be authenticated now: the issuer is away"#,
            ),
        ] {
            let status = client(&server, protocol, node, token).await.end().await;
            assert_eq!((status.code(), status.message()), (code, message));
        }
        drop(blue);
        server.board.wait_until(<[_]>::is_empty).await;
    }
    assert_eq!(server.metrics.rejected_streams(), 8);
}

#[tokio::test]
async fn a_client_without_a_first_request_learns_why_it_gets_nothing() {
    let server = start().await;
    let mut silent = Client::open(server.channel().await, XdsProtocol::Delta, node_message("a"), None).await;
    let status = silent.end().await;
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(status.message(), "a node without an id is not authenticated: no token");
}

#[tokio::test]
async fn a_stream_ends_with_its_credentials() {
    let server = start().await;
    let mut blue = client(&server, XdsProtocol::Delta, "blue", Some("blue until 500")).await;
    blue.response().await;
    let status = blue.end().await;
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(
        status.message(),
        r#"the token of "blue" has expired; connect with a renewed one"#
    );
}

#[tokio::test]
async fn an_authenticator_that_does_not_decide_is_not_waited_for() {
    let server = start().await;
    let status = client(&server, XdsProtocol::Delta, "blue", Some("slow"))
        .await
        .end()
        .await;
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(
        status.message(),
        r#"node "blue" cannot be authenticated now: authentication took more than 10s"#
    );
}
