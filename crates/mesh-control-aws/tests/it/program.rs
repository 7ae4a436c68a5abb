//! The program: start, health check and stop, as in an ECS container.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use aws_types::SdkConfig;
use axum::http::StatusCode;
use config_store::{Bucket, SigningKey, Storage as _};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;
use testkit::OtlpCollector;
use testkit::otlp::SpanSummary;

use super::account::Account;
use super::aws_proxy::AwsProxy;
use super::task_set::{ROUTE, TestMesh, route};
use crate::harness::{ReservedPort, eventually};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mesh-control");

/// The running program.
struct Program {
    child: Child,
    xds: SocketAddr,
    status: SocketAddr,
    folder: TempDir,
}

impl Program {
    /// Starts the program with this command, in this account.
    fn start_as(mut command: Command, endpoint: &str, account: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let [xds, status] = [(); 2].map(|()| free_address());
        let log = File::create(folder.path().join("log")).expect("a log");
        let child = command
            .args([
                "--parameters-every",
                "150ms",
                "--endpoints-every",
                "100ms",
                "--endpoint-network",
                "127.0.0.0/8",
            ])
            .env("MESHWRIGHT_XDS", xds.to_string())
            .envs(container_variables(status))
            .env("MESHWRIGHT_NAMESPACES", "demo=ns-1,elsewhere=ns-1")
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ENDPOINT_URL_SSM", endpoint)
            .env("AWS_ENDPOINT_URL_SERVICEDISCOVERY", endpoint)
            .env("AWS_ACCESS_KEY_ID", account)
            .env("AWS_SECRET_ACCESS_KEY", "secret-key")
            .env(
                "ECS_CONTAINER_METADATA_URI_V4",
                "http://169.254.170.2/v4/0123456789abcdef0123456789abcdef-1",
            )
            .stderr(log)
            .spawn()
            .expect("the program starts");
        Self {
            child,
            xds,
            status,
            folder,
        }
    }

    async fn health(&self) -> Output {
        let mut command = tokio::process::Command::from(command());
        command.arg("health").envs(container_variables(self.status));
        command.output().await.expect("the program exits")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).expect("a log")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have exited already.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// The environment variables of its container.
fn container_variables(status: SocketAddr) -> [(&'static str, String); 3] {
    [
        ("MESHWRIGHT_MESH", "demo".to_owned()),
        ("MESHWRIGHT_STATUS", status.to_string()),
        ("MESHWRIGHT_PUBLISH_STATUS", "1".to_owned()),
    ]
}

/// The program, without the environment of this process.
fn command() -> Command {
    let mut command = Command::new(PROGRAM);
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::null());
    command
}

fn free_address() -> SocketAddr {
    // The address is not reserved from here on; if another process takes it, the test fails.
    let port = ReservedPort::pick().number();
    (Ipv4Addr::LOCALHOST, port).into()
}

/// Creates a bucket, and returns it as a storage.
async fn create_bucket(config: &SdkConfig, name: &str) -> Bucket {
    let path_style = aws_sdk_s3::config::Builder::from(config).force_path_style(true);
    let location = aws_sdk_s3::types::CreateBucketConfiguration::builder()
        .location_constraint(aws_sdk_s3::types::BucketLocationConstraint::EuWest1);
    let creation = aws_sdk_s3::Client::from_conf(path_style.build())
        .create_bucket()
        .bucket(name);
    let created = creation.create_bucket_configuration(location.build()).send().await;
    created.expect("a bucket");
    let own_client = config.to_builder().http_client(mesh_control_aws::http_client()).build();
    let place = format!("s3://{name}/mesh/demo").parse().expect("a place");
    Bucket::new(&own_client, place).expect("a thread")
}

#[tokio::test]
async fn what_envoys_accept_is_stored_in_a_bucket() {
    const ACCOUNT: &str = "100000000009";
    let account = Account::open().await.with_id(ACCOUNT);
    let endpoint = account.config.endpoint_url().expect("an endpoint");
    let proxy = AwsProxy::start(endpoint).await;
    let namespace = json!({"Id": "ns-1", "Name": "demo", "Properties": {"HttpProperties": {"HttpName": "demo"}}});
    proxy.respond_with("GetNamespace", StatusCode::OK, json!({"Namespace": namespace}));
    let bucket = create_bucket(&account.config, "stored-by-program").await;
    let folder = tempfile::tempdir().expect("a folder");
    let (private, public) = (folder.path().join("key.pem"), folder.path().join("public.pem"));
    SigningKey::generate(&private, &public).expect("a key pair");
    let mut with_store = command();
    with_store
        .args([
            "--store",
            "s3://stored-by-program/mesh/demo",
            "--signing-key",
            "env:KEY_PEM",
        ])
        .env("KEY_PEM", std::fs::read_to_string(&private).expect("the key"))
        .env("AWS_ENDPOINT_URL_S3", endpoint);
    let test_mesh = TestMesh::open(&account).await;
    let program = Program::start_as(with_store, &proxy.address, ACCOUNT);
    eventually("it is healthy", async || {
        let health = program.health().await;
        if health.status.success() {
            Ok(())
        } else {
            Err(program.log())
        }
    })
    .await;
    let task_set = test_mesh.task_set(program.xds).await;
    task_set.wait_for_response_from("blue").await;
    eventually("the views of three nodes are stored", async || {
        let views = bucket.list("views").map_err(|error| error.to_string())?;
        if views.len() == 3 {
            Ok(())
        } else {
            Err(format!("{views:?} {}", program.log()))
        }
    })
    .await;
    assert!(!program.log().contains("cannot store"), "{}", program.log());
}

#[tokio::test]
async fn it_becomes_healthy_with_the_mesh_and_withdraws_its_status() {
    let account = Account::open().await;
    let proxy = AwsProxy::start(account.config.endpoint_url().expect("an endpoint")).await;
    let namespace = json!({"Id": "ns-1", "Name": "demo", "Properties": {"HttpProperties": {"HttpName": "demo"}}});
    proxy.respond_with("GetNamespace", StatusCode::OK, json!({"Namespace": namespace}));
    let collector = OtlpCollector::start_http().await;
    let mut command = command();
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", collector.address));
    command.env("OTEL_SERVICE_NAME", "control-plane");
    let mut program = Program::start_as(command, &proxy.address, "100000000000");
    let account = account.with_id("100000000000");
    let reason = eventually("the health check names the missing parameter", async || {
        let health = program.health().await;
        let stderr = String::from_utf8_lossy(&health.stderr).into_owned();
        if stderr.contains("does not exist") {
            Ok((health.status, stderr))
        } else {
            Err(stderr)
        }
    })
    .await;
    assert_eq!(reason.0.code(), Some(1), "{}", reason.1);
    assert!(
        reason.1.contains("the parameter /meshwright/demo does not exist"),
        "{}",
        reason.1
    );

    let test_mesh = TestMesh::open(&account).await;
    eventually("the program is healthy", async || {
        let health = program.health().await;
        if health.status.success() {
            Ok(())
        } else {
            Err(format!("{health:?}\n{}", program.log()))
        }
    })
    .await;
    let task_set = test_mesh.task_set(program.xds).await;
    task_set.wait_for_response_from("blue").await;
    // A change is a span that ends with the last ACK.
    account.write(ROUTE, &route(0, 1)).await;
    task_set.wait_for_response_from("green").await;
    let spans = collector.spans(|spans| {
        let nodes = |span: &SpanSummary| {
            span.attributes
                .get("meshwright.nodes")
                .and_then(|nodes| nodes.parse().ok())
        };
        spans.iter().any(|span| nodes(span).is_some_and(|nodes: u32| nodes > 0))
    });
    for span in spans.await {
        assert_eq!(span.service, "control-plane");
        assert_eq!(span.attributes["meshwright.rejecting"], "0", "{span:?}");
        let changes: u64 = span.attributes["meshwright.changes"].parse().expect("a number");
        assert!(changes > 0, "{span:?}");
    }
    // A namespace that no mesh uses causes no delay, and is reported.
    eventually("the status page has the namespaces", async || {
        let page = reqwest::get(format!("http://{}/status", program.status)).await;
        let page = page.expect("a response").text().await.expect("a body");
        let expected = ["namespace demo, ns-1", "it is the namespace `demo`, not `elsewhere`"];
        if expected.iter().all(|expected| page.contains(expected)) {
            Ok(())
        } else {
            Err(page)
        }
    })
    .await;
    let own = "/meshwright-status/demo/0123456789abcdef0123456789abcdef";
    eventually("the status is published", async || {
        let names = account.names_below("/meshwright-status").await;
        if names == [own] {
            Ok(())
        } else {
            Err(format!("{names:?}\n{}", program.log()))
        }
    })
    .await;

    kill_process(Pid::from_child(&program.child), Signal::TERM).expect("it is running");
    let exit = tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            if let Some(status) = program.child.try_wait().expect("a child") {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let status = exit.await.expect("it exits in time");
    assert_eq!(status.code(), Some(0), "{}", program.log());
    assert_eq!(account.names_below("/meshwright-status").await, Vec::<String>::new());
    assert!(
        program.log().contains("withdrew /meshwright-status/demo/"),
        "{}",
        program.log()
    );
    assert!(!program.log().contains("secret-key"));
}

/// More idle connections than a container has files: they end or are closed, and leave room for the health check and for
/// Envoys.
#[tokio::test]
async fn idle_connections_take_no_file_from_the_health_check() {
    const FILES: usize = 1024;
    const CONNECTIONS: usize = 1200;
    /// Of this test alone.
    const ACCOUNT: &str = "100000000002";

    let own = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit {
        current: own.maximum,
        maximum: own.maximum,
    };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).expect("the hard limit is allowed");
    let account = Account::open().await.with_id(ACCOUNT);
    let test_mesh = TestMesh::open(&account).await;
    let proxy = AwsProxy::start(account.config.endpoint_url().expect("an endpoint")).await;
    let namespace = json!({"Id": "ns-1", "Name": "demo", "Properties": {"HttpProperties": {"HttpName": "demo"}}});
    proxy.respond_with("GetNamespace", StatusCode::OK, json!({"Namespace": namespace}));
    let mut limited = Command::new("/bin/sh");
    limited.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).args([
        "-c",
        &format!("ulimit -n {FILES}; exec {PROGRAM} \"$@\""),
        "sh",
    ]);
    let program = Program::start_as(limited, &proxy.address, ACCOUNT);
    let healthy = async || {
        let health = program.health().await;
        match health.status.success() {
            true => Ok(()),
            false => Err(format!("{health:?}\n{}", program.log())),
        }
    };
    eventually("the program is healthy", &healthy).await;
    let mut idle = Vec::new();
    for _ in 0..CONNECTIONS {
        idle.push(tokio::net::TcpStream::connect(program.xds).await.expect("a listener"));
    }
    eventually("the program is healthy with idle connections", &healthy).await;
    let task_set = test_mesh.task_set(program.xds).await;
    task_set.wait_for_response_from("blue").await;
    let files = std::fs::read_dir(format!("/proc/{}/fd", program.child.id()));
    let files = files.expect("its files").count();
    assert!(files < FILES - 100, "{files} files are open");
    drop(idle);
}

#[test]
fn help_lists_the_exit_codes() {
    let output = command()
        .arg("--help")
        .stdout(Stdio::piped())
        .output()
        .expect("the program exits");
    let help = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && help.contains("Exit codes:"), "{help}");
}

#[tokio::test]
async fn invalid_arguments_are_reported_before_serving() {
    let run = async |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = tokio::process::Command::from(command());
        command.args(arguments).envs(variables.iter().copied());
        let output = command.output().await.expect("the program exits");
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let region = [
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
    ];
    let stderr = run(&[], &region).await;
    assert!(stderr.contains("--mesh <NAME>"), "{stderr}");
    let stderr = run(&["--dynamodb", "meshes", "--api", "0.0.0.0:0"], &region).await;
    assert!(stderr.contains("without authentication; give --keys"), "{stderr}");
    let stderr = run(&["--mesh", "a/b"], &region).await;
    assert!(stderr.contains("`a/b` is not a mesh name"), "{stderr}");
    let stderr = run(&["--mesh", "a", "--parameters-every", "1ms"], &region).await;
    assert!(stderr.contains("must be at least 100ms"), "{stderr}");
    let stderr = run(&["--mesh", "a", "--namespace", "demo"], &region).await;
    assert!(stderr.contains("expected NAME=ID"), "{stderr}");
    let stderr = run(
        &["--mesh", "a", "--namespace", "demo=ns-1", "--namespace", "demo=ns-2"],
        &region,
    )
    .await;
    assert!(
        stderr.contains("namespace `demo` has two ids: ns-1 and ns-2"),
        "{stderr}"
    );
    let no_region = [("AWS_EC2_METADATA_DISABLED", "true")];
    let stderr = run(&["--mesh", "a"], &no_region).await;
    assert!(stderr.contains("no region: set AWS_REGION"), "{stderr}");
    let closed = free_address().to_string();
    let stderr = run(&["health", "--status", &closed], &[]).await;
    assert!(stderr.contains(&format!("http://{closed}/healthz")), "{stderr}");
}

/// Two programs with App Mesh's API over one table, and without a mesh in Parameter Store.
#[tokio::test]
async fn app_meshs_api_is_served_by_all_replicas_of_a_table() {
    let account = Account::open().await;
    let endpoint = account.config.endpoint_url().expect("an endpoint").to_owned();
    create_table(&endpoint).await;
    let start = || {
        let folder = tempfile::tempdir().expect("a folder");
        let [xds, status, api] = [(); 3].map(|()| free_address());
        let log = File::create(folder.path().join("log")).expect("a log");
        let child = command()
            .env("MESHWRIGHT_DYNAMODB", "meshes")
            .env("MESHWRIGHT_API", api.to_string())
            .env("MESHWRIGHT_ACCOUNT", TABLE_ACCOUNT)
            .env("MESHWRIGHT_XDS", xds.to_string())
            .env("MESHWRIGHT_STATUS", status.to_string())
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ENDPOINT_URL", &endpoint)
            .env("AWS_ACCESS_KEY_ID", TABLE_ACCOUNT)
            .env("AWS_SECRET_ACCESS_KEY", "secret-key")
            .stderr(log)
            .spawn()
            .expect("the program starts");
        let program = Program {
            child,
            xds,
            status,
            folder,
        };
        (program, format!("http://{api}/v20190125/meshes"))
    };
    let (mut one, url_of_one) = start();
    let (another, url_of_another) = start();
    for program in [&one, &another] {
        eventually("it is healthy, without any mesh", async || {
            let health = program.health().await;
            if health.status.success() {
                Ok(())
            } else {
                Err(format!("{health:?}\n{}", program.log()))
            }
        })
        .await;
    }
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let create = client.put(&url_of_one).body(json!({"meshName": "demo"}).to_string());
    let create = create
        .header("content-type", "application/json")
        .send()
        .await
        .expect("a response");
    assert_eq!(create.status(), 200);
    let created = create.text().await.expect("a body");
    assert!(
        created.contains(&format!("arn:aws:appmesh:eu-west-1:{TABLE_ACCOUNT}:mesh/demo")),
        "{created}"
    );
    eventually("the other replica lists the mesh", async || {
        let listed = client
            .get(&url_of_another)
            .send()
            .await
            .map_err(|error| format!("{error:?}"))?;
        let listed = listed.text().await.map_err(|error| format!("{error:?}"))?;
        if listed.contains("mesh/demo") {
            Ok(())
        } else {
            Err(listed)
        }
    })
    .await;
    kill_process(Pid::from_child(&one.child), Signal::TERM).expect("it is running");
    let exit = eventually("it exits", async || {
        one.child.try_wait().expect("a child").ok_or_else(String::new)
    })
    .await;
    assert_eq!(exit.code(), Some(0), "{}", one.log());
    assert!(!one.log().contains("secret-key"));
}

const TABLE_ACCOUNT: &str = "100000000001";

async fn create_table(endpoint: &str) {
    let mut command = testkit::python_tools().script("aws");
    let attributes = ["AttributeName=pk,AttributeType=S", "AttributeName=sk,AttributeType=S"];
    command
        .args([
            "dynamodb",
            "create-table",
            "--table-name",
            "meshes",
            "--billing-mode",
            "PAY_PER_REQUEST",
        ])
        .arg("--attribute-definitions")
        .args(attributes)
        .args([
            "--key-schema",
            "AttributeName=pk,KeyType=HASH",
            "AttributeName=sk,KeyType=RANGE",
        ])
        .args(["--endpoint-url", endpoint, "--region", "eu-west-1"])
        .env("AWS_ACCESS_KEY_ID", TABLE_ACCOUNT)
        .env("AWS_SECRET_ACCESS_KEY", "secret-key")
        .env("NO_PROXY", "127.0.0.1");
    let created = tokio::task::spawn_blocking(move || command.output())
        .await
        .expect("no panic");
    let created = created.expect("the AWS CLI starts");
    assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
}

/// Exit code and standard error of a start that fails.
fn rejected(arguments: &[&str]) -> (Option<i32>, String) {
    let output = command().args(arguments).output().expect("the program exits");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn xds_beyond_loopback_is_protected() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("token.key");
    std::fs::write(&key, "ab".repeat(32)).expect("written");
    let key = key.display().to_string();
    let open = ["--mesh", "demo", "--xds", "0.0.0.0:0"];
    for (options, expected) in [
        (
            vec![],
            "cannot serve Envoys at 0.0.0.0:0 without TLS; give --tls-certificate",
        ),
        (
            vec!["--behind-load-balancer"],
            "without authentication; give --xds-token-key",
        ),
        (vec!["--xds-token-key", &key], "without TLS"),
        (
            vec!["--behind-load-balancer", "--xds-token-key", &key],
            "can be used by other users (mode 0644); make it private: chmod 600",
        ),
        (
            vec![
                "--tls-certificate",
                "/none/c.pem",
                "--tls-key",
                "/none/k.pem",
                "--xds-client-ca",
                "/none/ca.pem",
            ],
            "cannot read /none/c.pem",
        ),
        // Only then is a region needed.
        (vec!["--xds-insecure"], "no region"),
        (
            vec![
                "--behind-load-balancer",
                "--xds-roles",
                "shop",
                "--xds-allow",
                "arn:aws:iam::1:role/a=mesh/demo/*",
            ],
            "no region",
        ),
    ] {
        let (code, stderr) = rejected(&[&open[..], &options].concat());
        assert_eq!(code, Some(1), "{options:?}: {stderr}");
        assert!(stderr.contains(expected), "{options:?}: {stderr}");
    }
    let (code, stderr) = rejected(&["--mesh", "demo", "--xds-allow", "blue=blue"]);
    assert!(code == Some(2) && stderr.contains("`blue` names no node"), "{stderr}");
}

#[test]
fn the_certificate_may_be_in_environment_variables() {
    let made = rcgen::generate_simple_self_signed(["mesh-control.shop".to_owned()]).expect("a certificate");
    let other = rcgen::KeyPair::generate().expect("a key");
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    for (certificate, key, expected) in [
        // Both were read: only then is a region needed.
        (Some(&certificate), Some(&key), "no region"),
        (
            Some(&certificate),
            Some(&other.serialize_pem()),
            "is not that of the first certificate",
        ),
        (
            None,
            Some(&key),
            "error: --tls-certificate: environment variable CERTIFICATE is not set",
        ),
        (
            Some(&certificate),
            Some(&"secret".to_owned()),
            "error: --tls-key: environment variable KEY is not PEM; expected -----BEGIN",
        ),
    ] {
        let mut command = command();
        command
            .args(["--mesh", "demo", "--xds", "0.0.0.0:0", "--xds-roles", "shop"])
            .args(["--tls-certificate", "env:CERTIFICATE", "--tls-key", "env:KEY"])
            .args(["--xds-allow", "arn:aws:iam::123456789012:role/a=mesh/demo/*"]);
        for (name, value) in [("CERTIFICATE", certificate), ("KEY", key)] {
            command.envs(value.map(|value| (name, value)));
        }
        let output = command.output().expect("the program exits");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code() == Some(1) && text.contains(expected),
            "{expected}: {text}"
        );
        assert!(!text.contains("secret"), "{text}");
    }
}

#[test]
fn tokens_are_printed_for_envoys_and_others() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("token.key");
    std::fs::write(&key, "ab".repeat(32)).expect("written");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).expect("it is ours");
    let keys = mesh_control::TokenKeys::read(&key).expect("a key");
    let print = |options: &[&str]| {
        let mut command = command();
        let node = ["--node", "mesh/demo/virtualNode/blue", "--valid-for", "1h"];
        command
            .arg("token")
            .arg("--xds-token-key")
            .arg(&key)
            .args(node)
            .args(options);
        let output = command.stdout(Stdio::piped()).output().expect("the program exits");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let claims = keys.verify(print(&[]).trim_end()).expect("valid");
    assert_eq!(claims.subject, "mesh/demo/virtualNode/blue");
    let secret: serde_json::Value =
        serde_json::from_str(&print(&["--envoy-secret", "--subject", "blue"])).expect("JSON");
    let token = secret["resources"][0]["generic_secret"]["secret"]["inline_string"].as_str();
    let token = token.and_then(|token| token.strip_prefix("Bearer ")).expect("a token");
    assert_eq!(keys.verify(token).expect("valid").subject, "blue");
}
