//! Requests signed by botocore, the library below boto3 and AWS's command line, over a real connection.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::any;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sigv4_verify::VerifyLayer;
use tokio::net::TcpListener;

use crate::fixture::{KEY_ID, SECRET, keys, verifier};

const PROGRAM: &str = r#"
import json, sys, types, urllib.request
import boto3, botocore, botocore.retryhandler
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, key, secret = sys.argv[1:]

def client(secret=secret, region="eu-west-1", key=key, token=None, **config):
    return boto3.client("appmesh", endpoint_url=endpoint, region_name=region, aws_access_key_id=key,
        aws_secret_access_key=secret, aws_session_token=token, config=Config(proxies={}, **config))

def code(call):
    try:
        call()
        return "ok"
    except ClientError as error:
        return f"{error.response['ResponseMetadata']['HTTPStatusCode']} {error.response['Error']['Code']}"

# The first attempt after an error follows at once, within the same second.
pauses = iter([0.0])
botocore.retryhandler.random = types.SimpleNamespace(random=lambda: next(pauses, 1.0))

right = client()
def fetch(url, method="GET"):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        return opener.open(urllib.request.Request(url, method=method)).status
    except urllib.error.HTTPError as error:
        return error.code

large = {"serviceDiscovery": {"dns": {"hostname": "h" * (10 << 20)}}}
url = right.generate_presigned_url("list_meshes", ExpiresIn=60)
deletion = right.generate_presigned_url("delete_mesh", Params={"meshName": "m"}, ExpiresIn=60)
print(json.dumps({
    "reads": [code(right.list_meshes) for _ in range(3)],
    "parameters": code(lambda: right.list_virtual_nodes(meshName="a b/ü", limit=3, nextToken="+/=&")),
    # The first attempt gets a 500.
    "write": code(lambda: right.create_mesh(meshName="m", tags=[{"key": "ü", "value": " x "}])),
    "wrong secret": code(client(secret="another").list_meshes),
    "wrong region": code(client(region="us-east-1").list_meshes),
    "wrong key": code(client(key="AKIDOTHER").list_meshes),
    "token": code(client(token="x").list_meshes),
    # Botocore sends all of a body before it reads the response.
    "large": [code(lambda: someone.create_virtual_node(meshName="m", virtualNodeName="n", spec=large))
              for someone in (right, client(key="AKIDOTHER"))],
    "unsigned": code(client(signature_version=botocore.UNSIGNED).list_meshes),
    "presigned": [fetch(url), fetch(url), fetch(url + "0"), fetch(url.replace("meshes", "mashes"))],
    "presigned write": [fetch(deletion, "DELETE"), fetch(deletion, "DELETE")],
}))
"#;

/// The status of each `PUT`.
type Statuses = Arc<Mutex<Vec<u16>>>;

/// Of requests up to the usual size.
async fn record(State(statuses): State<Statuses>, request: Request, next: Next) -> Response {
    let is_put = request.method() == Method::PUT && !request.uri().path().ends_with("virtualNodes");
    let response = next.run(request).await;
    if is_put {
        statuses
            .lock()
            .expect("no test panicked here")
            .push(response.status().as_u16());
    }
    response
}

/// Fails at the first write.
async fn respond(State(statuses): State<Statuses>, request: Request) -> Response {
    if request.method() != Method::PUT {
        return Json(json!({ "meshes": [], "virtualNodes": [] })).into_response();
    }
    if statuses.lock().expect("no test panicked here").is_empty() {
        return (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({ "message": "once" }))).into_response();
    }
    Json(json!({ "meshName": "m" })).into_response()
}

#[tokio::test(flavor = "multi_thread")]
async fn botocore_is_understood() {
    let statuses = Statuses::default();
    let app = Router::new()
        .fallback(any(respond))
        .with_state(Arc::clone(&statuses))
        .layer(VerifyLayer::new(verifier(), Arc::new(keys()), SystemTime::now))
        .layer(middleware::from_fn_with_state(Arc::clone(&statuses), record));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, app).await });

    let output = tokio::task::spawn_blocking(move || {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("client.py");
        fs::write(&file, PROGRAM).unwrap();
        let mut command = testkit::python_tools().program(&file);
        command
            .args([&endpoint, KEY_ID, SECRET])
            .env("AWS_CONFIG_FILE", dir.path().join("none"));
        command.output().unwrap()
    })
    .await
    .unwrap();
    server.abort();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let results: Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = json!({
        "reads": ["ok", "ok", "ok"],
        "parameters": "ok",
        "write": "ok",
        "wrong secret": "403 InvalidSignatureException",
        "wrong region": "403 InvalidSignatureException",
        "wrong key": "403 UnrecognizedClientException",
        "token": "403 UnrecognizedClientException",
        "large": ["413 RequestEntityTooLargeException", "403 UnrecognizedClientException"],
        "unsigned": "403 MissingAuthenticationTokenException",
        "presigned": [200, 200, 403, 403],
        "presigned write": [200, 503],
    });
    assert_eq!(results, expected);

    // The second attempt has the signature of the first, unless a second ended in between.
    let statuses = statuses.lock().unwrap();
    assert!(matches!(statuses[..], [500, 503, 200] | [500, 200]), "{statuses:?}");
}
