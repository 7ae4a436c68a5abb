//! Deadlines: what the next hop is told, and what is refused early.

use std::time::Duration;

use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;
use mesh_client::{Client, Deadline};
use sidecar_contract::MeshSuffixes;

use crate::sidecar::{Sidecar, client, closed_port};

const OWN: &str = "x-meshwright-timeout-ms";
const EXPECTED: &str = "x-envoy-expected-rq-timeout-ms";
const URL: &str = "http://blue.appmesh/";

fn ok() -> Response {
    "ok".into_response()
}

#[tokio::test]
async fn the_remaining_time_travels_to_the_next_hop() {
    let mut sidecar = Sidecar::answering(ok).await;
    let mesh = sidecar.client();
    mesh.get(URL).timeout(Duration::from_secs(5)).send().await.unwrap();
    let seen = sidecar.seen().await;
    let told: u64 = seen.header(OWN).parse().unwrap();
    assert!((1..=5000).contains(&told), "{told}");
    assert_eq!(seen.header(EXPECTED), seen.header(OWN));

    // As it came from the caller, some time ago, and shorter than what the call allows itself.
    let mut incoming = HeaderMap::new();
    incoming.insert(OWN, "3000".parse().unwrap());
    // What an Envoy on the way allows.
    incoming.insert(EXPECTED, "15000".parse().unwrap());
    let deadline = Deadline::from_headers(&incoming).unwrap();
    // Time passes without waiting for it; the clock runs again before there is I/O.
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(10)).await;
    tokio::time::resume();
    mesh.get(URL).deadline(deadline).send().await.unwrap();
    let told: u64 = sidecar.seen().await.header(OWN).parse().unwrap();
    assert!((1..=2990).contains(&told), "{told}");
    let call = mesh.get(URL).deadline(deadline).timeout(Duration::from_secs(1));
    call.send().await.unwrap();
    let told: u64 = sidecar.seen().await.header(OWN).parse().unwrap();
    assert!((1..=1000).contains(&told), "the earlier one counts: {told}");
}

#[tokio::test]
async fn a_grpc_call_says_it_in_grpc_s_way_as_well() {
    let mut sidecar = Sidecar::answering(ok).await;
    let call = sidecar
        .client()
        .post(URL)
        .header("content-type", "application/grpc+proto");
    call.timeout(Duration::from_secs(5)).send().await.unwrap();
    let seen = sidecar.seen().await;
    assert_eq!(seen.header("grpc-timeout"), format!("{}m", seen.header(EXPECTED)));
}

#[tokio::test]
async fn the_default_is_not_told_and_a_header_of_the_call_s_own_stays() {
    let mut sidecar = Sidecar::answering(ok).await;
    sidecar.client().get(URL).send().await.unwrap();
    let seen = sidecar.seen().await;
    assert!(!seen.headers.contains_key(EXPECTED) && !seen.headers.contains_key(OWN));

    let mesh = Client::builder()
        .egress(sidecar.address)
        .suffixes(MeshSuffixes::from_list("appmesh"))
        .timeout(Duration::from_secs(5))
        .build()
        .unwrap();
    mesh.get(URL).send().await.unwrap();
    assert!(sidecar.seen().await.headers.contains_key(OWN), "somebody said so");
    for name in [OWN, EXPECTED] {
        mesh.get(URL).header(name, "77").send().await.unwrap();
        assert_eq!(sidecar.seen().await.header(name), "77");
    }
}

#[tokio::test]
async fn a_deadline_that_has_passed_is_refused_before_anything_is_sent() {
    // Any attempt to connect would be `is_sidecar_unreachable`.
    let closed = closed_port();
    let mesh = client(closed.address);
    let error = mesh
        .get(URL)
        .deadline(Deadline::after(Duration::ZERO))
        .send()
        .await
        .unwrap_err();
    assert!(error.is_expired() && error.is_timeout(), "{error:?}");
}

#[tokio::test]
async fn a_deadline_ends_a_call_like_a_timeout() {
    let sidecar = Sidecar::writing(b"", false).await;
    let deadline = Deadline::after(Duration::from_millis(200));
    let call = sidecar.client().get(URL).timeout(Duration::MAX).deadline(deadline);
    let error = call.send().await.unwrap_err();
    assert!(error.is_timeout() && !error.is_expired(), "{error:?}");
    let sentence = error.to_string();
    assert!(
        sentence.starts_with("`blue.appmesh` did not answer within "),
        "{sentence}"
    );
}
