//! Response bodies, byte for byte.

use axum::http::StatusCode as Status;
use axum::response::IntoResponse as _;
use reqwest::{Method, StatusCode};

use crate::service_process::Settings;
use testkit::FakeSidecar;

#[tokio::test]
async fn every_path_and_method_returns_the_identity() {
    let green = Settings::green().start().await;
    let expected = r#"{"message":"ok","service":"green","version":"unknown"}"#;
    for path in [
        "/",
        "/any/path?query",
        "/downstream",
        "/downstreams/blue.appmesh",
        "/downstream%2fblue.appmesh",
    ] {
        assert_eq!(
            green.get_json(path).await,
            (StatusCode::OK, expected.to_owned()),
            "{path}"
        );
    }
    let response = green.call(Method::POST, "/", &[]).await;
    assert_eq!(response.text().await.unwrap(), expected);
}

#[tokio::test]
async fn downstream_responses_are_forwarded() {
    for (body, response) in [
        (
            r#"{"message":"ok","service":"blue"}"#,
            r#"{"message":"ok","service":"blue"}"#,
        ),
        (" {\"b\": 1.50, \"a\": []}\n", "{\"b\": 1.50, \"a\": []}"),
        ("plain \"text\"", r#""plain \"text\"""#),
        ("", r#""""#),
    ] {
        let sidecar = FakeSidecar::responding(move || body).await;
        let green = Settings::green().beside(sidecar.address).start().await;
        let expected = format!(r#"{{"message":"fetched!","service":"green","response":{response}}}"#);
        assert_eq!(
            green.get_json("/downstream/blue.appmesh").await,
            (StatusCode::OK, expected)
        );
    }
}

#[tokio::test]
async fn errors_have_a_status_and_a_message() {
    let sidecar = FakeSidecar::responding(|| Status::INTERNAL_SERVER_ERROR.into_response()).await;
    let green = Settings::green().beside(sidecar.address).start().await;
    for (path, status, error) in [
        (
            "/downstream/blue.appmesh",
            502,
            "`blue.appmesh` responded with 500 Internal Server Error",
        ),
        (
            "/downstream/example.com",
            400,
            "`example.com` cannot be called: it is outside the mesh; allowed are names that end in: appmesh",
        ),
        ("/downstream/", 400, "`` cannot be called: the service name is missing"),
    ] {
        let (actual, document) = green.get_json(path).await;
        assert_eq!(actual, status, "{path}");
        assert_eq!(
            document,
            format!(r#"{{"message":"error","service":"green","error":"{error}"}}"#)
        );
    }
}

#[tokio::test]
async fn only_get_is_allowed_for_downstream_calls() {
    let mut sidecar = FakeSidecar::responding(|| "ok").await;
    let green = Settings::green().beside(sidecar.address).start().await;
    for path in ["/downstream/blue.appmesh", "/downstream/blue.appmesh/a", "/downstream/"] {
        let response = green.call(Method::POST, path, &[]).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(response.headers()["allow"], "GET,HEAD");
        assert_eq!(
            response.text().await.unwrap(),
            r#"{"message":"error","service":"green","error":"POST is not allowed here; use GET"}"#
        );
    }
    assert!(sidecar.try_next_request().is_none());
}
