//! App Mesh's API by two replicas over a DynamoDB table, with key pairs in Secrets Manager and endpoints in Cloud Map.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use mesh_infra::{AppMeshApi, Cluster, ControlPlane, PrivateDnsNamespace, Stack, Vpc};
use rustix::process::Signal;
use serde_json::{Value, json};
use testkit::eventually;

use crate::account::Account;
use crate::api_client::{ApiClient, exported};
use crate::mesh::{config, deploy_stack};
use crate::mesh_caller::{Envoy, Upstream, aws_cli, wait_for_body};
use crate::run::Run;
use crate::workdir::Workdir;

const SECRET: &str = "a-secret-of-a-test-that-is-long-enough";
const ROUTE: &str = "/meshes/demo/virtualRouter/split/routes/all";
const CLI: (&str, &str) = ("eu-west-1", SECRET);

/// A replica with free ports.
struct Replica<'w> {
    run: Run<'w>,
    /// The URL of its API.
    api: String,
    client: ApiClient,
    xds: SocketAddr,
}

impl<'w> Replica<'w> {
    async fn start(account: &Account, workdir: &'w Workdir) -> Self {
        Self::start_with(account, workdir, "meshes", &["--keys", "secretsmanager:mesh-keys"]).await
    }

    async fn start_with(account: &Account, workdir: &'w Workdir, table: &str, more: &[&str]) -> Self {
        let arguments = [
            "serve",
            "--dynamodb",
            table,
            "--cloud-map",
            // Tasks of the tests are on loopback.
            "--endpoint-network",
            "127.0.0.0/8",
            "--api",
            "127.0.0.1:0",
            "--xds",
            "127.0.0.1:0",
            "--status",
            "127.0.0.1:0",
        ];
        let arguments = [&arguments[..], more].concat();
        let mut run = Run::start(workdir, account.meshwright_in(workdir, &arguments));
        run.wait_for("the lines to export", |printed| {
            printed.stdout.contains("Ctrl-C stops serving")
        })
        .await;
        let stdout = run.printed().stdout;
        assert!(
            stdout.starts_with(&format!("State: the DynamoDB table {table}, ")),
            "{stdout}"
        );
        let of = |variable| exported(&stdout, variable).expect("an address");
        Self {
            api: of("AWS_ENDPOINT_URL_APP_MESH"),
            client: ApiClient::from_output(&stdout),
            xds: of("APPMESH_XDS_ENDPOINT").parse().expect("an address"),
            run,
        }
    }

    async fn stop(self, workdir: &Workdir) {
        self.run.signal(Signal::TERM);
        let ended = self.run.end().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        // An Envoy that asks before its mesh exists is rejected, which is in the log.
        let mut lines = ended.stderr.lines();
        assert!(lines.all(|line| !line.starts_with("error")), "{ended:?}");
        workdir.assert_nothing_left();
    }
}

/// The table as docs/app-mesh.md creates it, and a secret with one key pair.
fn create_table_and_keys(account: &Account) {
    let attribute = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
    let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
    let table = json!({"TableName": "meshes", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [attribute("pk"), attribute("sk")],
        "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")]});
    account.call("dynamodb", "create_table", &table);
    let keys = json!({"keys": [
        {"accessKeyId": "MESHOPERATOR", "secretAccessKey": SECRET, "access": "read-write"}
    ]});
    let secret = json!({"Name": "mesh-keys", "SecretString": keys.to_string()});
    account.call("secretsmanager", "create_secret", &secret);
}

/// A service of Cloud Map. Returns its id.
fn create_service(account: &Account, namespace: &Value, name: &str) -> Value {
    let service = json!({"Name": name, "NamespaceId": namespace});
    account.call("servicediscovery", "create_service", &service)["Service"]["Id"].clone()
}

fn register(account: &Account, service: &Value) {
    let attributes = json!({"AWS_INSTANCE_IPV4": Ipv4Addr::LOCALHOST.to_string()});
    let instance = json!({"ServiceId": service, "InstanceId": "1", "Attributes": attributes});
    account.call("servicediscovery", "register_instance", &instance);
}

fn namespace(account: &Account) -> Value {
    let created = account.call("servicediscovery", "create_http_namespace", &json!({"Name": "demo"}));
    let operation = json!({"OperationId": created["OperationId"]});
    let operation = account.call("servicediscovery", "get_operation", &operation);
    operation["Operation"]["Targets"]["NAMESPACE"].clone()
}

/// Dumps of the mesh `demo`: `caller` calls `shop.demo`, whose route has these weights, and whose nodes are in Cloud Map.
fn dumps(ports: [u16; 2], weights: [u32; 2]) -> Value {
    let named = |mut resource: Value| {
        resource["meshName"] = json!("demo");
        resource
    };
    let node = |name: &str, port: u16| {
        json!({"virtualNode": named(json!({"virtualNodeName": name, "spec": {
            "listeners": [{"portMapping": {"port": port, "protocol": "http"}}],
            "serviceDiscovery": {"awsCloudMap": {"namespaceName": "demo", "serviceName": name}}}}))})
    };
    let backend = json!({"virtualService": {"virtualServiceName": "shop.demo"}});
    let targets =
        json!([{"virtualNode": "one", "weight": weights[0]}, {"virtualNode": "another", "weight": weights[1]}]);
    let route = json!({"httpRoute": {"match": {"prefix": "/"}, "action": {"weightedTargets": targets}}});
    let listener = json!({"portMapping": {"port": 80, "protocol": "http"}});
    let provider = json!({"virtualRouter": {"virtualRouterName": "split"}});
    json!([
        {"mesh": named(json!({"spec": {}}))},
        node("one", ports[0]),
        node("another", ports[1]),
        {"virtualNode": named(json!({"virtualNodeName": "caller", "spec": {"backends": [backend]}}))},
        {"virtualRouter": named(json!({"virtualRouterName": "split", "spec": {"listeners": [listener]}}))},
        {"route": named(json!({"virtualRouterName": "split", "routeName": "all", "spec": route}))},
        {"virtualService": named(json!({"virtualServiceName": "shop.demo", "spec": {"provider": provider}}))},
    ])
}

/// `meshwright import` with the key pair.
async fn import(account: &Account, arguments: &[&str]) -> (Option<i32>, String, String) {
    let workdir = Workdir::new();
    let mut command = account.meshwright_in(&workdir, &[&["import"], arguments].concat());
    command
        .env("AWS_ACCESS_KEY_ID", "MESHOPERATOR")
        .env("AWS_SECRET_ACCESS_KEY", SECRET);
    let ended = Run::to_end(&workdir, command).await;
    (ended.code, ended.stdout, ended.stderr)
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_at_one_replica_reaches_the_envoys_of_another() {
    let account = Account::new();
    create_table_and_keys(&account);
    let (one, another) = (Upstream::start("one").await, Upstream::start("another").await);
    let namespace = namespace(&account);
    for name in ["one", "another"] {
        register(&account, &create_service(&account, &namespace, name));
    }
    let (workdir_a, workdir_b) = (Workdir::new(), Workdir::new());
    // A is called without a signature, B with key pairs.
    let a = Replica::start_with(&account, &workdir_a, "meshes", &[]).await;
    let b = Replica::start(&account, &workdir_b).await;

    // Dumps go in at A.
    let ports = [&one, &another].map(|upstream| upstream.address.port());
    let file = |weights| {
        account
            .workdir
            .file("dumps.json", &dumps(ports, weights).to_string())
            .display()
            .to_string()
    };
    let dumped = file([1, 0]);
    let to_a = [dumped.as_str(), "--to", "api", "--endpoint-url", &a.api];
    let (code, stdout, stderr) = import(&account, &to_a).await;
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(
        lines(&stdout),
        [
            "created   mesh/demo",
            "created   mesh/demo/virtualNode/another",
            "created   mesh/demo/virtualNode/caller",
            "created   mesh/demo/virtualNode/one",
            "created   mesh/demo/virtualRouter/split",
            "created   mesh/demo/virtualRouter/split/route/all",
            "created   mesh/demo/virtualService/shop.demo"
        ]
    );
    let (_, again, _) = import(&account, &to_a).await;
    assert_eq!(again.matches("unchanged ").count(), 7, "{again}");

    // An Envoy of B gets them, with endpoints from Cloud Map.
    let envoy = Envoy::start(&workdir_b, b.xds);
    let url = format!("http://{}/", envoy.egress);
    wait_for_body(&url, "one").await;

    // Each change at A is at the Envoy of B in the documented time, measured from A's response.
    let mut times = Vec::new();
    for (index, expected) in ["another", "one"].into_iter().cycle().take(9).enumerate() {
        let weights = if index % 2 == 0 {
            [("one", 0), ("another", 1)]
        } else {
            [("one", 1), ("another", 0)]
        };
        a.client.set_weights(ROUTE, &weights).await;
        let start = Instant::now();
        wait_for_body(&url, expected).await;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    println!("from a response of A to the Envoy of B: {times:?}");
    // A second between polls, and the time of a busy machine.
    assert!(times[4] < Duration::from_secs(3), "{times:?}");

    // The mesh comes out at B as it went in at A.
    let expected = file([0, 1]);
    let (code, stdout, stderr) = import(&account, &["--endpoint-url", &b.api, "--mesh", "demo", "--to", "dumps"]).await;
    assert_eq!(code, Some(0), "{stderr}");
    let copy = account.workdir.file("copy.json", &stdout).display().to_string();
    for source in [&expected, &copy] {
        let (code, stdout, stderr) = import(&account, &[source, "--to", "api", "--endpoint-url", &b.api]).await;
        assert_eq!(code, Some(0), "{stderr}");
        assert_eq!(stdout.matches("unchanged ").count(), 7, "{source}: {stdout}");
    }
    drop(envoy);
    a.stop(&workdir_a).await;
    b.stop(&workdir_b).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mesh_is_in_parameter_store_or_in_the_api() {
    let account = Account::new();
    create_table_and_keys(&account);
    let parameter = json!({"Name": "/meshwright/taken", "Type": "String", "Value": "{}"});
    account.call("ssm", "put_parameter", &parameter);
    let workdir = Workdir::new();
    let replica = Replica::start(&account, &workdir).await;
    let create = |mesh: &'static str| ["create-mesh", "--mesh-name", mesh];
    let (succeeds, printed) = aws_cli(&replica.api, CLI, &create("taken")).await;
    assert!(!succeeds && printed.contains("ConflictException"), "{printed}");
    assert!(
        printed.contains("Mesh taken is configured by the parameters /meshwright/taken"),
        "{printed}"
    );
    let (succeeds, printed) = aws_cli(&replica.api, CLI, &create("own")).await;
    assert!(succeeds, "{printed}");
    let claim = account.call("ssm", "get_parameter", &json!({"Name": "/meshwright/own"}));
    let claim = claim["Parameter"]["Value"].as_str().expect("a value");
    assert!(claim.contains("the DynamoDB table meshes"), "{claim}");
    let (succeeds, printed) = aws_cli(&replica.api, CLI, &["delete-mesh", "--mesh-name", "own"]).await;
    assert!(succeeds, "{printed}");
    let names = account.call("ssm", "describe_parameters", &json!({}));
    assert_eq!(names["Parameters"].as_array().map(Vec::len), Some(1), "{names}");
    replica.stop(&workdir).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_in_the_account_is_named() {
    let account = Account::new();
    let serve = |more: &'static [&'static str]| {
        let free = [
            "serve",
            "--api",
            "127.0.0.1:0",
            "--xds",
            "127.0.0.1:0",
            "--status",
            "127.0.0.1:0",
        ];
        [&free, more].concat()
    };
    for (arguments, expected) in [
        (serve(&["--dynamodb", "missing"]), "the DynamoDB table missing"),
        (
            serve(&["--dynamodb", "missing", "--keys", "secretsmanager:none"]),
            "cannot read the secret none",
        ),
    ] {
        let workdir = Workdir::new();
        let ended = Run::to_end(&workdir, account.meshwright_in(&workdir, &arguments)).await;
        assert_eq!(ended.code, Some(1), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(expected), "{arguments:?}: {ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_is_registered_later_is_called() {
    let account = Account::new();
    create_table_and_keys(&account);
    let upstream = Upstream::start("one").await;
    let namespace = namespace(&account);
    let service = create_service(&account, &namespace, "one");
    let workdir = Workdir::new();
    let replica = Replica::start(&account, &workdir).await;
    let port = upstream.address.port();
    let dumped = account
        .workdir
        .file("dumps.json", &dumps([port, port], [1, 0]).to_string())
        .display()
        .to_string();
    let (code, _, stderr) = import(&account, &[&dumped, "--to", "api", "--endpoint-url", &replica.api]).await;
    assert_eq!(code, Some(0), "{stderr}");
    let envoy = Envoy::start(&workdir, replica.xds);
    let url = format!("http://{}/", envoy.egress);
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    eventually("the mesh has no endpoint", async || {
        let response = client.get(&url).header("host", "shop.demo").send().await;
        let status = response.map_err(|error| format!("{error:?}"))?.status();
        if status == 503 { Ok(()) } else { Err(status.to_string()) }
    })
    .await;
    register(&account, &service);
    wait_for_body(&url, "one").await;
    drop(envoy);
    replica.stop(&workdir).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_table_of_the_construct_has_the_meshes() {
    let account = Account::new();
    let mut stack = Stack::new("shop");
    let network = stack.add("Vpc", Vpc::new());
    let cluster = stack.add("Cluster", Cluster::new());
    let namespace = stack.add("Namespace", PrivateDnsNamespace::new("shop", &network));
    let api = AppMeshApi::new("arn:aws:secretsmanager:eu-west-1:000000000000:secret:mesh-keys-AbCdEf");
    stack.add(
        "Control",
        ControlPlane::of_app_mesh_api(api, &cluster, &network, &namespace),
    );
    let template = stack.synth().unwrap_or_else(|errors| panic!("{errors}"));
    deploy_stack(&config(account.endpoint()).await, &template).await;
    let tables = account.call("dynamodb", "list_tables", &json!({}));
    let table = tables["TableNames"][0].as_str().expect("a table").to_owned();
    let described = account.call("dynamodb", "describe_table", &json!({"TableName": table}));
    let billing = &described["Table"]["BillingModeSummary"]["BillingMode"];
    assert_eq!(billing, "PAY_PER_REQUEST", "{described}");

    let workdir = Workdir::new();
    let replica = Replica::start_with(&account, &workdir, &table, &[]).await;
    replica.client.put("/meshes", json!({"meshName": "demo"})).await;
    replica.stop(&workdir).await;
    let workdir = Workdir::new();
    let replica = Replica::start_with(&account, &workdir, &table, &[]).await;
    let described = replica.client.get("/meshes/demo").await;
    assert_eq!(described["meshName"], "demo");
    replica.stop(&workdir).await;
}
