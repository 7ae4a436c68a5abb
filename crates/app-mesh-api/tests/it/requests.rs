//! Invalid requests, and what they are answered.

use app_mesh_api::{Access, Caller, MemoryStore, Origin, Service, Settings, router};
use axum::Router;
use axum::body::{Body, to_bytes};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

async fn api() -> Router {
    router(Service::open(MemoryStore::new(), Settings::default()).await.unwrap())
}

/// Status, `x-amzn-ErrorType` and body.
async fn send(api: &Router, request: Request<Body>) -> (StatusCode, String, Value) {
    let response = api.clone().oneshot(request).await.unwrap();
    let headers = response.headers();
    assert!(headers.contains_key("x-amzn-requestid"));
    assert_eq!(headers["content-type"], "application/json");
    let error = headers
        .get("x-amzn-errortype")
        .map_or("", |error| error.to_str().unwrap());
    let (status, error) = (response.status(), error.to_owned());
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, error, serde_json::from_slice(&body).unwrap())
}

fn request(method: Method, path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::builder().method(method).uri(path).body(body.into()).unwrap()
}

#[tokio::test]
async fn errors_have_aws_form_and_the_fields_path() {
    let api = api().await;
    let ok = send(&api, request(Method::PUT, "/v20190125/meshes", r#"{"meshName": "m"}"#)).await;
    assert_eq!(ok.0, StatusCode::OK);
    let listener = |port: Value| json!({"listeners": [{"portMapping": {"port": port, "protocol": "http"}}]});
    let router = |spec: Value| json!({"virtualRouterName": "r", "spec": spec}).to_string();
    let routers = "/v20190125/meshes/m/virtualRouters";
    let long_name = json!({"virtualRouterName": "r".repeat(256), "spec": {}}).to_string();
    let bad = (StatusCode::BAD_REQUEST, "BadRequestException");
    for (method, path, body, (status, name), message) in [
        (
            Method::PUT,
            routers,
            router(json!({"listener": []})),
            bad,
            "spec.listener: is not a known field; known are listeners",
        ),
        (
            Method::PUT,
            routers,
            router(listener(json!("80"))),
            bad,
            "spec.listeners[0].portMapping.port: is \"80\"; allowed is a whole number from 1 to 65535",
        ),
        (
            Method::PUT,
            routers,
            router(listener(json!(65536))),
            bad,
            "spec.listeners[0].portMapping.port: is 65536; allowed is a whole number from 1 to 65535",
        ),
        (
            Method::PUT,
            routers,
            router(json!("x")),
            bad,
            "spec: is \"x\"; allowed is an object",
        ),
        (
            Method::PUT,
            routers,
            r#"{"virtualRouterName": "r"}"#.to_owned(),
            bad,
            "spec: is missing",
        ),
        (
            Method::PUT,
            routers,
            long_name,
            bad,
            "virtualRouterName: has 256 characters; allowed are 1 to 255",
        ),
        (
            Method::PUT,
            routers,
            r#"{"virtualRouterName": "#.to_owned(),
            bad,
            "the body is not valid JSON: EOF while parsing a value at line 1 column 22",
        ),
        (
            Method::PUT,
            routers,
            "\u{0}".to_owned(),
            bad,
            "the body is not valid JSON: expected value at line 1 column 1",
        ),
        (
            Method::GET,
            "/v20190125/meshes?limit=101",
            String::new(),
            bad,
            "limit: is 101; allowed is a whole number from 1 to 100",
        ),
        (
            Method::GET,
            "/v20190125/meshes?limit=x",
            String::new(),
            bad,
            "limit: is \"x\"; allowed is a whole number",
        ),
        (
            Method::GET,
            "/v20190125/meshes?nextToken=x",
            String::new(),
            bad,
            "nextToken: is not a token of this list",
        ),
        (
            Method::GET,
            "/v20190125/meshes/m?meshOwner=1",
            String::new(),
            bad,
            "meshOwner: is \"1\"; allowed is an account id of 12 digits",
        ),
        (
            Method::GET,
            "/v20190125/tags",
            String::new(),
            bad,
            "resourceArn: is missing",
        ),
        (
            Method::POST,
            "/v20190125/meshes",
            String::new(),
            (StatusCode::NOT_FOUND, "UnknownOperationException"),
            "POST /v20190125/meshes is not an operation of App Mesh's API 2019-01-25",
        ),
        (
            Method::GET,
            "/",
            String::new(),
            (StatusCode::NOT_FOUND, "UnknownOperationException"),
            "GET / is not an operation of App Mesh's API 2019-01-25",
        ),
        (
            Method::GET,
            "/v20190125/meshes/none",
            String::new(),
            (StatusCode::NOT_FOUND, "NotFoundException"),
            "Mesh with name none is not present for account 000000000000",
        ),
    ] {
        let found = send(&api, request(method.clone(), path, body)).await;
        assert_eq!(
            found,
            (status, name.to_owned(), json!({"message": message})),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn deeply_nested_bodies_are_errors() {
    let api = api().await;
    let body = format!(
        r#"{{"meshName": "m", "spec": {}{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let (status, name, body) = send(&api, request(Method::PUT, "/v20190125/meshes", body)).await;
    assert_eq!(
        (status, name.as_str()),
        (StatusCode::BAD_REQUEST, "BadRequestException")
    );
    assert!(body["message"].as_str().unwrap().contains("recursion limit"), "{body}");
}

#[tokio::test]
async fn bodies_of_10_mb_are_too_large() {
    let api = api().await;
    let body = vec![b' '; 10 << 20];
    let (status, name, body) = send(&api, request(Method::PUT, "/v20190125/meshes", body)).await;
    assert_eq!(
        (status, name.as_str()),
        (StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLargeException")
    );
    assert_eq!(body, json!({"message": "The request body exceeds 1048576 bytes."}));
}

#[tokio::test]
async fn callers_are_limited() {
    let api = api().await;
    let caller = |access, meshes: &[&str]| Caller {
        name: "AKIDEXAMPLE".to_owned(),
        access,
        meshes: Some(meshes.iter().map(|mesh| (*mesh).to_owned()).collect()),
        origin: Origin::default(),
    };
    let as_caller = |mut request: Request<Body>, caller: &Caller| {
        request.extensions_mut().insert(caller.clone());
        request
    };
    let create = |name: &str| request(Method::PUT, "/v20190125/meshes", json!({"meshName": name}).to_string());
    let writer = caller(Access::ReadWrite, &["a", "b"]);
    for name in ["a", "b"] {
        assert_eq!(send(&api, as_caller(create(name), &writer)).await.0, StatusCode::OK);
    }
    let (status, name, _) = send(&api, as_caller(create("c"), &writer)).await;
    assert_eq!((status, name.as_str()), (StatusCode::FORBIDDEN, "ForbiddenException"));
    let reader = caller(Access::ReadOnly, &["b"]);
    assert_eq!(
        send(&api, as_caller(create("b"), &reader)).await.0,
        StatusCode::FORBIDDEN
    );
    let list = request(Method::GET, "/v20190125/meshes", "");
    let (_, _, body) = send(&api, as_caller(list, &reader)).await;
    let names: Vec<&str> = body["meshes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|mesh| mesh["meshName"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["b"]);
}
