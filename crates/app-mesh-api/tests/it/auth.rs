//! Signed requests of boto3: what each key may do, and how often.

use std::fs;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use app_mesh_api::{
    AuditLog, Authentication, Extensions, KeyPairs, MemoryStore, RateLimits, Service, Settings, router,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const SECRET: &str = "WlV0VkXkqDxw5YuS8tQSt7TUdbvHFQyJ8TmYFVg3";

/// What every program begins with: a client for a key, and the result of a call.
const PRELUDE: &str = r#"
import json, sys, time
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, secret = sys.argv[1:]

def client(key, secret=secret, attempts=1):
    return boto3.client("appmesh", endpoint_url=endpoint, region_name="eu-west-1", aws_access_key_id=key,
        aws_secret_access_key=secret, config=Config(proxies={}, retries={"total_max_attempts": attempts}))

def result(call, **parameters):
    try:
        call(**parameters)
        return "ok"
    except ClientError as error:
        return f"{error.response['ResponseMetadata']['HTTPStatusCode']} {error.response['Error']['Code']}"
"#;

/// A server with authentication.
struct Server {
    authentication: Authentication,
    endpoint: String,
    dir: TempDir,
    serving: JoinHandle<()>,
}

impl Server {
    async fn start(keys: Value, limits: RateLimits) -> Self {
        let settings = Settings {
            region: "eu-west-1".to_owned(),
            ..Settings::default()
        };
        let authentication = Authentication::new(key_pairs(keys), &settings, limits);
        let dir = tempfile::tempdir().expect("a directory");
        let log = AuditLog::file(dir.path().join("audit")).expect("a file");
        let extensions = Extensions {
            audit_log: Some(log),
            claims: None,
        };
        let service = Service::open_with(MemoryStore::new(), settings, extensions).await;
        let service = service.expect("a service");
        let app = authentication.protect(router(service));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.expect("it serves") });
        Self {
            authentication,
            endpoint,
            dir,
            serving,
        }
    }

    /// Runs a program after the prelude, and returns what it prints.
    async fn run(&self, program: &str) -> Value {
        let file: PathBuf = self.dir.path().join("client.py");
        fs::write(&file, format!("{PRELUDE}\n{program}")).expect("a file");
        let (endpoint, none) = (self.endpoint.clone(), self.dir.path().join("none"));
        let run = move || {
            let mut command = testkit::python_tools().program(&file);
            command.args([&*endpoint, SECRET]).env("AWS_CONFIG_FILE", none);
            command.output().expect("Python runs")
        };
        let output = tokio::task::spawn_blocking(run).await.expect("Python runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn key(id: &str, access: &str) -> Value {
    json!({ "accessKeyId": id, "secretAccessKey": SECRET, "access": access })
}

fn key_pairs(keys: Value) -> KeyPairs {
    KeyPairs::parse("the test", json!({ "keys": keys }).to_string().as_bytes()).expect("key pairs")
}

fn limits(reads: u32, writes: u32) -> RateLimits {
    RateLimits {
        reads_per_second: NonZeroU32::new(reads).expect("not 0"),
        writes_per_second: NonZeroU32::new(writes).expect("not 0"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_key_may_do_what_its_entry_says() {
    let mut limited = key("LIMITED", "read-write");
    limited["meshes"] = json!(["own"]);
    let keys = json!([key("WRITER", "read-write"), key("READER", "read-only"), limited]);
    let server = Server::start(keys, RateLimits::default()).await;
    let program = r#"
writer, reader, limited = client("WRITER"), client("READER"), client("LIMITED")
print(json.dumps({
    "writer": [result(writer.create_mesh, meshName=name) for name in ("own", "other")],
    "reader": [result(reader.create_mesh, meshName="third"), result(reader.describe_mesh, meshName="own"),
               result(reader.delete_mesh, meshName="own"), result(reader.list_meshes),
               result(reader.tag_resource, resourceArn="arn:aws:appmesh:eu-west-1:000000000000:mesh/own", tags=[{"key": "k", "value": "v"}])],
    "limited": [result(limited.describe_mesh, meshName="own"), result(limited.describe_mesh, meshName="other"),
                result(limited.create_virtual_node, meshName="own", virtualNodeName="n", spec={}),
                result(limited.create_virtual_node, meshName="other", virtualNodeName="n", spec={}),
                result(limited.create_mesh, meshName="third"), result(limited.list_virtual_nodes, meshName="other")],
    "listed": [mesh["meshName"] for mesh in limited.list_meshes()["meshes"]],
    "unknown": result(client("UNKNOWN").list_meshes),
    "wrong secret": result(client("WRITER", secret="another").list_meshes),
}))
"#;
    let forbidden = "403 ForbiddenException";
    assert_eq!(
        server.run(program).await,
        json!({
            "writer": ["ok", "ok"],
            "reader": [forbidden, "ok", forbidden, "ok", forbidden],
            "limited": ["ok", forbidden, "ok", forbidden, forbidden, forbidden],
            "listed": ["own"],
            "unknown": "403 UnrecognizedClientException",
            "wrong secret": "403 InvalidSignatureException",
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_above_its_rate_is_throttled_and_others_are_not() {
    let server = Server::start(json!([key("A", "read-write"), key("B", "read-write")]), limits(4, 2)).await;
    let program = r#"
a, b = client("A"), client("B")
# More at once than the rate, however long a call takes here.
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(40) as pool:
    reads = list(pool.map(lambda _: result(a.list_meshes), range(40)))
    writes = list(pool.map(lambda n: result(a.create_mesh, meshName=f"m{n}"), range(40)))
print(json.dumps({
    "reads": sorted(set(reads)), "writes": sorted(set(writes)),
    "throttled": reads.count("429 TooManyRequestsException") > 0 and writes.count("429 TooManyRequestsException") > 0,
    "other key": [result(b.list_meshes), result(b.create_mesh, meshName="other")],
    # SDKs wait and retry by themselves.
    "retried": result(client("A", attempts=8).list_meshes),
}))
"#;
    let throttled = "429 TooManyRequestsException";
    assert_eq!(
        server.run(program).await,
        json!({
            "reads": [throttled, "ok"],
            "writes": [throttled, "ok"],
            "throttled": true,
            "other key": ["ok", "ok"],
            "retried": "ok",
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_can_be_replaced_while_the_server_runs() {
    let server = Server::start(json!([key("OLD", "read-only")]), RateLimits::default()).await;
    let program = r#"print(json.dumps([result(client(key).list_meshes) for key in ("OLD", "NEW")]))"#;
    assert_eq!(
        server.run(program).await,
        json!(["ok", "403 UnrecognizedClientException"])
    );
    server
        .authentication
        .replace(key_pairs(json!([key("NEW", "read-only")])));
    assert_eq!(
        server.run(program).await,
        json!(["403 UnrecognizedClientException", "ok"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_is_in_the_audit_log_with_its_caller() {
    let server = Server::start(
        json!([key("A", "read-write"), key("B", "read-only")]),
        RateLimits::default(),
    )
    .await;
    let program = r#"
a, b = client("A"), client("B")
created = a.create_mesh(meshName="m")
updated = a.update_mesh(meshName="m", spec={"egressFilter": {"type": "ALLOW_ALL"}})
a.describe_mesh(meshName="m")
rejected = [result(b.delete_mesh, meshName="m"), result(a.delete_mesh, meshName="other")]
deleted = a.delete_mesh(meshName="m")
print(json.dumps([response["ResponseMetadata"]["RequestId"] for response in (created, updated, deleted)]))
"#;
    let ids = server.run(program).await;
    let log = fs::read_to_string(server.dir.path().join("audit")).expect("the log");
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let expected = [
        ("CreateMesh", None, Some(1)),
        ("UpdateMesh", Some(1), Some(2)),
        ("DeleteMesh", Some(2), None),
    ];
    assert_eq!(lines.len(), expected.len(), "{log}");
    for (at, (line, (operation, old, new))) in lines.iter().zip(expected).enumerate() {
        assert_eq!(line["operation"], operation);
        assert_eq!(line["caller"], "A");
        assert_eq!(line["requestId"], ids[at]);
        assert_eq!(line["resource"], "arn:aws:appmesh:eu-west-1:000000000000:mesh/m");
        let version = |name: &str| line.get(name).and_then(Value::as_i64);
        assert_eq!((version("oldVersion"), version("newVersion")), (old, new), "{line}");
        assert!(
            line["sourceAddress"]
                .as_str()
                .is_some_and(|address| address.starts_with("127.0.0.1:")),
            "{line}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_requests_have_an_id_too() {
    let server = Server::start(json!([key("A", "read-write")]), RateLimits::default()).await;
    let program = r#"
try:
    client("B").list_meshes()
except ClientError as error:
    print(json.dumps(len(error.response["ResponseMetadata"]["RequestId"])))
"#;
    assert_eq!(server.run(program).await, json!(36));
}
