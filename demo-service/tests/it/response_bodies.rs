//! The documents, to the byte.

use axum::http::StatusCode as Status;
use axum::response::IntoResponse as _;
use reqwest::{Method, StatusCode};

use crate::service_process::Settings;
use crate::sidecar::Sidecar;

#[tokio::test]
async fn it_says_who_it_is_on_every_path_and_to_every_method() {
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
            green.document(path).await,
            (StatusCode::OK, expected.to_owned()),
            "{path}"
        );
    }
    let response = green.call(Method::POST, "/", &[]).await;
    assert_eq!(response.text().await.unwrap(), expected);
}

#[tokio::test]
async fn it_hands_on_what_the_other_one_answered() {
    for (answer, response) in [
        (
            r#"{"message":"ok","service":"blue"}"#,
            r#"{"message":"ok","service":"blue"}"#,
        ),
        (" {\"b\": 1.50, \"a\": []}\n", "{\"b\": 1.50, \"a\": []}"),
        ("plain \"text\"", r#""plain \"text\"""#),
        ("", r#""""#),
    ] {
        let sidecar = Sidecar::answering(move || answer).await;
        let green = Settings::green().beside(sidecar.address).start().await;
        let expected = format!(r#"{{"message":"fetched!","service":"green","response":{response}}}"#);
        assert_eq!(
            green.document("/downstream/blue.appmesh").await,
            (StatusCode::OK, expected)
        );
    }
}

#[tokio::test]
async fn it_says_what_failed_and_whose_fault_it_was() {
    let sidecar = Sidecar::answering(|| Status::INTERNAL_SERVER_ERROR.into_response()).await;
    let green = Settings::green().beside(sidecar.address).start().await;
    for (path, status, error) in [
        (
            "/downstream/blue.appmesh",
            502,
            "`blue.appmesh` answered 500 Internal Server Error",
        ),
        (
            "/downstream/example.com",
            400,
            "`example.com` is not called: it is outside the mesh, whose names end in: appmesh",
        ),
        ("/downstream/", 400, "`` is not called: no service is named"),
    ] {
        let (actual, document) = green.document(path).await;
        assert_eq!(actual, status, "{path}");
        assert_eq!(
            document,
            format!(r#"{{"message":"error","service":"green","error":"{error}"}}"#)
        );
    }
}

#[tokio::test]
async fn only_get_reaches_others() {
    let mut sidecar = Sidecar::answering(|| "ok").await;
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
    assert!(sidecar.is_untouched());
}
