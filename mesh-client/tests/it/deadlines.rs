//! Deadlines: propagation to the next hop, and expiry before sending.

use std::time::Duration;

use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;
use mesh_client::{Client, Deadline};
use sidecar_contract::MeshSuffixes;
use testkit::{FakeSidecar, closed_port};

use crate::servers::client;

const OWN: &str = "x-meshwright-timeout-ms";
const EXPECTED: &str = "x-envoy-expected-rq-timeout-ms";
const URL: &str = "http://blue.appmesh/";

fn ok() -> Response {
    "ok".into_response()
}

#[tokio::test]
async fn the_remaining_time_is_sent_to_the_next_hop() {
    let mut sidecar = FakeSidecar::responding(ok).await;
    let mesh = client(sidecar.address);
    mesh.get(URL).timeout(Duration::from_secs(5)).send().await.unwrap();
    let recorded = sidecar.next_request().await;
    let remaining: u64 = recorded.header(OWN).parse().unwrap();
    assert!((1..=5000).contains(&remaining), "{remaining}");
    assert_eq!(recorded.header(EXPECTED), recorded.header(OWN));

    // The caller's deadline, received some time ago and earlier than the call's timeout.
    let mut incoming = HeaderMap::new();
    incoming.insert(OWN, "3000".parse().unwrap());
    // The timeout of an Envoy's route.
    incoming.insert(EXPECTED, "15000".parse().unwrap());
    let deadline = Deadline::from_headers(&incoming).unwrap();
    // Time passes without waiting for it; the clock runs again before there is I/O.
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(10)).await;
    tokio::time::resume();
    mesh.get(URL).deadline(deadline).send().await.unwrap();
    let remaining: u64 = sidecar.next_request().await.header(OWN).parse().unwrap();
    assert!((1..=2990).contains(&remaining), "{remaining}");
    let call = mesh.get(URL).deadline(deadline).timeout(Duration::from_secs(1));
    call.send().await.unwrap();
    let remaining: u64 = sidecar.next_request().await.header(OWN).parse().unwrap();
    assert!((1..=1000).contains(&remaining), "the earlier one counts: {remaining}");
}

#[tokio::test]
async fn a_grpc_call_also_has_grpc_timeout() {
    let mut sidecar = FakeSidecar::responding(ok).await;
    let call = client(sidecar.address)
        .post(URL)
        .header("content-type", "application/grpc+proto");
    call.timeout(Duration::from_secs(5)).send().await.unwrap();
    let recorded = sidecar.next_request().await;
    assert_eq!(
        recorded.header("grpc-timeout"),
        format!("{}m", recorded.header(EXPECTED))
    );
}

#[tokio::test]
async fn the_default_timeout_is_not_propagated_and_own_headers_have_precedence() {
    let mut sidecar = FakeSidecar::responding(ok).await;
    client(sidecar.address).get(URL).send().await.unwrap();
    let recorded = sidecar.next_request().await;
    assert!(!recorded.headers.contains_key(EXPECTED) && !recorded.headers.contains_key(OWN));

    let mesh = Client::builder()
        .egress(sidecar.address)
        .suffixes(MeshSuffixes::from_list("appmesh"))
        .timeout(Duration::from_secs(5))
        .build()
        .unwrap();
    mesh.get(URL).send().await.unwrap();
    assert!(
        sidecar.next_request().await.headers.contains_key(OWN),
        "the timeout is configured"
    );
    for name in [OWN, EXPECTED] {
        mesh.get(URL).header(name, "77").send().await.unwrap();
        assert_eq!(sidecar.next_request().await.header(name), "77");
    }
}

#[tokio::test]
async fn an_expired_deadline_is_an_error_before_sending() {
    // Any attempt to connect would be `is_sidecar_unreachable`.
    let closed = closed_port();
    let mesh = client(closed);
    let error = mesh
        .get(URL)
        .deadline(Deadline::after(Duration::ZERO))
        .send()
        .await
        .unwrap_err();
    assert!(error.is_expired() && error.is_timeout(), "{error:?}");
}

#[tokio::test]
async fn a_deadline_cancels_a_call_like_a_timeout() {
    let sidecar = FakeSidecar::writing(b"", false).await;
    let deadline = Deadline::after(Duration::from_millis(200));
    let call = client(sidecar.address)
        .get(URL)
        .timeout(Duration::MAX)
        .deadline(deadline);
    let error = call.send().await.unwrap_err();
    assert!(error.is_timeout() && !error.is_expired(), "{error:?}");
    let message = error.to_string();
    assert!(
        message.starts_with("`blue.appmesh` did not respond within "),
        "{message}"
    );
}
