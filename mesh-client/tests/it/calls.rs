//! Successful calls: the request that the sidecar receives, and the response.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use mesh_client::TraceContext;
use serde_json::{Value, json};
use testkit::FakeSidecar;

use crate::servers::client;

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn ok() -> Response {
    "ok".into_response()
}

fn trace() -> TraceContext {
    let mut incoming = HeaderMap::new();
    incoming.insert("traceparent", HeaderValue::from_static(TRACEPARENT));
    incoming.insert("tracestate", HeaderValue::from_static("vendor=1"));
    incoming.insert("x-request-id", HeaderValue::from_static("request-1"));
    incoming.insert("authorization", HeaderValue::from_static("secret"));
    TraceContext::from_headers(&incoming)
}

#[tokio::test]
async fn the_host_header_contains_the_name() {
    let mut sidecar = FakeSidecar::responding(ok).await;
    let mesh = client(sidecar.address);
    for (url, host, path) in [
        ("http://blue.appmesh", "blue.appmesh", "/"),
        (
            "http://blue.serviceconnect.:80/a%2fb?c=d&e#f",
            "blue.serviceconnect",
            "/a%2fb?c=d&e",
        ),
        ("http://blue.appmesh:8080/x", "blue.appmesh:8080", "/x"),
    ] {
        let response = mesh.get(url).send().await.unwrap();
        assert_eq!(response.service(), host);
        assert_eq!(response.text().await.unwrap(), "ok");
        let recorded = sidecar.next_request().await;
        assert_eq!(
            (
                recorded.method.as_str(),
                recorded.path.as_str(),
                recorded.header("host")
            ),
            ("GET", path, host)
        );
        assert!(!recorded.headers.contains_key("traceparent"));
        assert_eq!(recorded.body, "");
    }
}

#[tokio::test]
async fn each_method_of_the_client_sends_its_http_method() {
    let mut sidecar = FakeSidecar::responding(ok).await;
    let mesh = client(sidecar.address);
    let url = "http://blue.appmesh/";
    for (call, method) in [
        (mesh.get(url), Method::GET),
        (mesh.head(url), Method::HEAD),
        (mesh.post(url), Method::POST),
        (mesh.put(url), Method::PUT),
        (mesh.patch(url), Method::PATCH),
        (mesh.delete(url), Method::DELETE),
        (mesh.request(Method::OPTIONS, String::from(url)), Method::OPTIONS),
    ] {
        call.send().await.unwrap();
        assert_eq!(sidecar.next_request().await.method, method);
    }
}

#[tokio::test]
async fn headers_and_bodies_are_sent() {
    let mut sidecar = FakeSidecar::responding(ok).await;
    let mesh = client(sidecar.address);
    let mut replacing = HeaderMap::new();
    replacing.append("x-a", HeaderValue::from_static("3"));
    replacing.append("x-a", HeaderValue::from_static("4"));

    let call = mesh
        .post("http://blue.appmesh/")
        .header("x-a", "1")
        .header("x-b", "2")
        .headers(replacing);
    call.json(&json!({"b": 1, "a": [2]})).send().await.unwrap();
    let recorded = sidecar.next_request().await;
    let values: Vec<_> = recorded.headers.get_all("x-a").iter().collect();
    assert_eq!(values, ["3", "4"]);
    assert_eq!(recorded.header("x-b"), "2");
    assert_eq!(recorded.header("content-type"), "application/json");
    assert_eq!(recorded.header("content-length"), recorded.body.len().to_string());
    assert_eq!(recorded.body, r#"{"b":1,"a":[2]}"#);

    let call = mesh
        .put("http://blue.appmesh/")
        .header("content-type", "application/problem+json");
    call.json("text").send().await.unwrap();
    let recorded = sidecar.next_request().await;
    assert_eq!(
        (recorded.header("content-type"), &recorded.body[..]),
        ("application/problem+json", &b"\"text\""[..])
    );

    mesh.put("http://blue.appmesh/").body("plain").send().await.unwrap();
    let recorded = sidecar.next_request().await;
    assert!(!recorded.headers.contains_key("content-type"));
    assert_eq!(recorded.body, "plain");
}

#[tokio::test]
async fn the_trace_context_is_propagated() {
    let mut sidecar = FakeSidecar::responding(ok).await;
    let call = client(sidecar.address)
        .get("http://blue.appmesh/")
        .header("x-request-id", "another");
    call.propagate(&trace()).send().await.unwrap();
    let recorded = sidecar.next_request().await;
    assert_eq!(recorded.header("traceparent"), TRACEPARENT);
    assert_eq!(recorded.header("tracestate"), "vendor=1");
    assert_eq!(recorded.header("x-request-id"), "request-1");
    assert!(!recorded.headers.contains_key("authorization"));
}

#[tokio::test]
async fn every_status_of_a_service_is_a_response() {
    let sidecar =
        FakeSidecar::responding(|| (StatusCode::NOT_FOUND, [("x-from", "blue")], r#"{"b":1,"a":2}"#).into_response())
            .await;
    let call = async || {
        client(sidecar.address)
            .get("http://blue.appmesh/")
            .send()
            .await
            .unwrap()
    };

    let response = call().await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(response.headers()["x-from"], "blue");
    assert_eq!(response.json::<Value>().await.unwrap().to_string(), r#"{"b":1,"a":2}"#);
    assert_eq!(call().await.bytes().await.unwrap(), r#"{"b":1,"a":2}"#);

    let mut response = call().await;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.unwrap() {
        body.extend_from_slice(&chunk);
    }
    assert_eq!(body, br#"{"b":1,"a":2}"#);

    let error = call().await.error_for_status().unwrap_err();
    assert!(error.is_status());
    assert_eq!(error.status(), Some(StatusCode::NOT_FOUND));
    assert_eq!(error.to_string(), "`blue.appmesh` responded with 404 Not Found");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let mut sidecar =
        FakeSidecar::responding(|| (StatusCode::FOUND, [("location", "http://green.appmesh/")]).into_response()).await;
    let response = client(sidecar.address)
        .get("http://blue.appmesh/")
        .send()
        .await
        .unwrap();
    let response = response.error_for_status().unwrap();
    assert_eq!(response.status(), StatusCode::FOUND);
    assert_eq!(response.headers()["location"], "http://green.appmesh/");
    assert_eq!(sidecar.next_request().await.header("host"), "blue.appmesh");
}
