//! `serve`: App Mesh's API and its Envoys in one process, over a state file.

use std::net::SocketAddr;

use rustix::process::Signal;
use serde_json::{Value, json};
use testkit::{eventually, wait_until};

use crate::api_client::{ApiClient, exported, names, route_spec};
use crate::http::{Load, body};
use crate::mesh_caller::{Envoy, Upstream, aws_cli, wait_for_body};
use crate::run::Run;
use crate::workdir::Workdir;

const ROUTE: &str = "/meshes/demo/virtualRouter/split/routes/all";

/// A running `serve` with free ports.
struct Serving<'w> {
    run: Run<'w>,
    api: ApiClient,
    xds: SocketAddr,
    status: String,
}

impl<'w> Serving<'w> {
    async fn start(workdir: &'w Workdir, xds: &str) -> Self {
        Self::start_with(workdir, xds, &[]).await
    }

    async fn start_with(workdir: &'w Workdir, xds: &str, more: &[&str]) -> Self {
        let state = workdir.path("mesh.state").display().to_string();
        let arguments = [
            "serve",
            "--state",
            &state,
            "--api",
            "127.0.0.1:0",
            "--xds",
            xds,
            "--status",
            "127.0.0.1:0",
        ];
        let arguments = [&arguments[..], more].concat();
        let mut run = Run::start(workdir, workdir.meshwright(&arguments));
        run.wait_for("the lines to export", |printed| {
            printed.stdout.contains("Ctrl-C stops serving")
        })
        .await;
        let stdout = run.printed().stdout;
        let xds = exported(&stdout, "APPMESH_XDS_ENDPOINT").expect("the address of xDS");
        let status = stdout.lines().find_map(|line| line.strip_prefix("Status: "));
        let status = status.and_then(|line| line.split_whitespace().next()).expect("a URL");
        Self {
            api: ApiClient::from_output(&stdout),
            xds: xds.parse().expect("an address"),
            status: status.to_owned(),
            run,
        }
    }

    async fn nodes(&self) -> Vec<Value> {
        let status: Value = serde_json::from_str(&body(&self.status).await).expect("JSON");
        status["nodes"].as_array().expect("nodes").clone()
    }

    async fn stop(self, workdir: &Workdir) {
        self.run.signal(Signal::TERM);
        let ended = self.run.end().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.stderr.contains("SIGTERM: stopping"), "{ended:?}");
        assert!(!ended.stderr.contains("error"), "{ended:?}");
        workdir.assert_nothing_left();
    }
}

/// The mesh `demo`: `caller` calls `shop.demo`, whose route divides calls between two nodes at loopback addresses.
async fn create_mesh(api: &ApiClient, one: SocketAddr, another: SocketAddr) {
    let node = |at: SocketAddr| {
        json!({
            "listeners": [{"portMapping": {"port": at.port(), "protocol": "http"}}],
            "serviceDiscovery": {"dns": {"hostname": "127.0.0.1", "responseType": "ENDPOINTS"}},
        })
    };
    let shop = json!({"virtualService": {"virtualServiceName": "shop.demo"}});
    api.put("/meshes", json!({"meshName": "demo"})).await;
    let within = |path: &str| format!("/meshes/demo/{path}");
    for (name, spec) in [
        ("one", node(one)),
        ("another", node(another)),
        ("caller", json!({ "backends": [shop] })),
    ] {
        api.put(&within("virtualNodes"), json!({"virtualNodeName": name, "spec": spec}))
            .await;
    }
    let listener = json!({"portMapping": {"port": 80, "protocol": "http"}});
    api.put(
        &within("virtualRouters"),
        json!({"virtualRouterName": "split", "spec": {"listeners": [listener]}}),
    )
    .await;
    api.put(
        &within("virtualRouter/split/routes"),
        json!({"routeName": "all", "spec": route_spec(&[("one", 1), ("another", 0)])}),
    )
    .await;
    let provider = json!({"virtualRouter": {"virtualRouterName": "split"}});
    api.put(
        &within("virtualServices"),
        json!({"virtualServiceName": "shop.demo", "spec": {"provider": provider}}),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_through_the_api_reach_envoys_and_survive_a_kill() {
    let workdir = Workdir::new();
    let (one, another) = (Upstream::start("one").await, Upstream::start("another").await);
    let serving = Serving::start(&workdir, "127.0.0.1:0").await;
    create_mesh(&serving.api, one.address, another.address).await;
    let envoy = Envoy::start(&workdir, serving.xds);
    let url = format!("http://{}/", envoy.egress);
    wait_for_body(&url, "one").await;
    let nodes = serving.nodes().await;
    assert_eq!(nodes[0]["id"], "mesh/demo/virtualNode/caller");
    assert_eq!(nodes[0]["clusters"]["rejected"], json!([]));

    let updated = serving.api.set_weights(ROUTE, &[("one", 0), ("another", 1)]).await;
    assert_eq!(updated["metadata"]["version"], 2);
    wait_for_body(&url, "another").await;

    // Killed and restarted on the same state: calls pass meanwhile, Envoy reconnects, and nothing is lost.
    let load = Load::start_with_host(&url, "shop.demo", "another");
    let xds = serving.xds.to_string();
    let before = serving.api.get(ROUTE).await;
    serving.run.signal(Signal::KILL);
    let ended = serving.run.end().await;
    assert_eq!(ended.code, None, "{ended:?}");
    let serving = Serving::start(&workdir, &xds).await;
    assert_eq!(serving.api.get(ROUTE).await, before);
    let list = serving.api.get("/meshes/demo/virtualNodes").await;
    assert_eq!(
        names(&list["virtualNodes"], "virtualNodeName"),
        ["another", "caller", "one"]
    );
    wait_until("Envoy has reconnected", async || !serving.nodes().await.is_empty()).await;
    let counters = load.stop().await;
    assert!(counters.failures.is_empty() && counters.calls > 0, "{counters:?}");
    serving.api.set_weights(ROUTE, &[("one", 1), ("another", 0)]).await;
    wait_for_body(&url, "one").await;
    drop(envoy);
    serving.stop(&workdir).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_envoys_accept_is_stored() {
    let workdir = Workdir::new();
    let (key, public) = (workdir.path("key.pem"), workdir.path("public.pem"));
    config_store::SigningKey::generate(&key, &public).expect("a key pair");
    let (key, store) = (key.display().to_string(), workdir.path("store"));
    let location = store.display().to_string();
    let options = ["--store", &location, "--signing-key", &key, "--store-max-age", "1day"];
    let serving = Serving::start_with(&workdir, "127.0.0.1:0", &options).await;
    let one = Upstream::start("one").await;
    create_mesh(&serving.api, one.address, one.address).await;
    let envoy = Envoy::start(&workdir, serving.xds);
    wait_for_body(&format!("http://{}/", envoy.egress), "one").await;
    let files = |folder: std::path::PathBuf| std::fs::read_dir(folder).into_iter().flatten().flatten();
    eventually("the caller's manifest is signed with the key", async || {
        let views = files(store.join("views"));
        let manifest = views.flat_map(|view| files(view.path())).next().ok_or("no manifest")?;
        let text = std::fs::read_to_string(manifest.path()).map_err(|error| error.to_string())?;
        if text.contains("mesh/demo/virtualNode/caller") && text.contains("signature") {
            Ok(())
        } else {
            Err(text)
        }
    })
    .await;
    let status: Value = serde_json::from_str(&body(&serving.status).await).expect("JSON");
    let sources = status["sources"].as_array().expect("sources");
    let source = sources.iter().find(|source| source["name"] == "stored configurations");
    let source = source.unwrap_or_else(|| panic!("{status}"));
    assert_eq!(source["error"], Value::Null, "{source}");
    drop(envoy);
    serving.stop(&workdir).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_succeed_during_a_thousand_changes() {
    let workdir = Workdir::new();
    let (one, another) = (Upstream::start("same").await, Upstream::start("same").await);
    let serving = Serving::start(&workdir, "127.0.0.1:0").await;
    create_mesh(&serving.api, one.address, another.address).await;
    let envoy = Envoy::start(&workdir, serving.xds);
    let url = format!("http://{}/", envoy.egress);
    wait_for_body(&url, "same").await;
    let load = Load::start_with_host(&url, "shop.demo", "same");
    let routes = "/meshes/demo/virtualRouter/split/routes";
    for change in 0..250_u32 {
        serving
            .api
            .set_weights(ROUTE, &[("one", change % 101), ("another", 100 - change % 101)])
            .await;
        let name = format!("extra-{change}");
        let mut extra = route_spec(&[("another", 1)]);
        extra["priority"] = json!(change % 1001);
        serving.api.put(routes, json!({"routeName": name, "spec": extra})).await;
        let provider = json!({"virtualNode": {"virtualNodeName": if change % 2 == 0 { "one" } else { "another" }}});
        let service = format!("service-{}.demo", change % 5);
        let created = json!({"virtualServiceName": service, "spec": {"provider": provider}});
        let (status, _) = serving
            .api
            .send("PUT", "/meshes/demo/virtualServices", Some(created))
            .await
            .expect("a response");
        assert!(status == 200 || status == 409, "{status}");
        serving.api.call("DELETE", &format!("{routes}/{name}"), None).await;
    }
    let counters = load.stop().await;
    assert!(counters.calls > 100, "{counters:?}");
    assert!(counters.failures.is_empty(), "{counters:?}");
    let nodes = serving.nodes().await;
    assert_eq!(nodes[0]["routes"]["rejected"], json!([]), "{nodes:?}");
    drop(envoy);
    serving.stop(&workdir).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_without_endpoints_is_on_the_status_page() {
    let workdir = Workdir::new();
    let serving = Serving::start(&workdir, "127.0.0.1:0").await;
    serving.api.put("/meshes", json!({"meshName": "demo"})).await;
    let discovery = json!({"awsCloudMap": {"namespaceName": "shop.local", "serviceName": "blue"}});
    let spec = json!({
        "listeners": [{"portMapping": {"port": 80, "protocol": "http"}}],
        "serviceDiscovery": discovery,
    });
    let node = json!({"virtualNodeName": "blue", "spec": spec});
    serving.api.put("/meshes/demo/virtualNodes", node).await;
    eventually("the status page has a note", async || {
        let page = body(&serving.status).await;
        let status: Value = serde_json::from_str(&page).map_err(|error| error.to_string())?;
        let note = status["sources"][0]["notes"][0].as_str().unwrap_or_default();
        let expected = "mesh/demo/virtualNode/blue has no endpoints: Cloud Map is not read here";
        if note.starts_with(expected) { Ok(()) } else { Err(page) }
    })
    .await;
    serving.stop(&workdir).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_served_is_rejected_with_a_reason() {
    let workdir = Workdir::new();
    let serving = Serving::start(&workdir, "127.0.0.1:0").await;
    let state = workdir.path("mesh.state").display().to_string();
    let (missing, other) = (workdir.path("missing.pem"), workdir.path("other.state"));
    let (missing, other) = (missing.display().to_string(), other.display().to_string());
    let damaged = workdir
        .file("damaged.state", "this is no database, and must not be overwritten")
        .display()
        .to_string();
    let directory = workdir.path("").display().to_string();
    let xds = serving.xds.to_string();
    let free = [
        "--api",
        "127.0.0.1:0",
        "--xds",
        "127.0.0.1:0",
        "--status",
        "127.0.0.1:0",
    ];
    for (arguments, code, expected) in [
        // A second process with the same state.
        (&["--state", &state][..], 1, state.as_str()),
        (&["--state", &damaged], 1, "damaged.state is not a state file"),
        (&["--state", &directory], 1, "is a directory; give a file in it"),
        (
            &["--state", &other, "--api", "127.0.0.1:9", "--xds", "127.0.0.1:9"],
            2,
            "--api and --xds are the same address, 127.0.0.1:9",
        ),
        (
            &["--state", &other, "--api", "localhost:1"],
            2,
            "such as 127.0.0.1:18002",
        ),
        (&["--state", &other, "--xds", &xds], 1, "choose another with --xds"),
        (&["--state", &other, "--api", &xds], 1, "choose another with --api"),
        (
            &["--state", &other, "--api", "0.0.0.0:0"],
            2,
            "without authentication; give --keys",
        ),
        (&["--state", &other, "--xds", "0.0.0.0:0"], 2, "without TLS"),
        (
            &["--state", &other, "--xds", "0.0.0.0:0", "--behind-load-balancer"],
            2,
            "without authentication; give --xds-token-key or --xds-client-ca",
        ),
        (
            &["--state", &other, "--xds-token-key", &missing],
            1,
            "cannot read the token key file",
        ),
        (
            &["--state", &other, "--status", "0.0.0.0:0"],
            2,
            "neither TLS nor authentication",
        ),
        (
            &["--state", &other, "--tls-certificate", &missing, "--tls-key", &missing],
            1,
            "missing.pem",
        ),
        (&["--state", &other, "--tls-key", &missing], 2, "--tls-certificate"),
        (
            &["--state", &other, "--api", "0.0.0.0:0", "--keys", &missing],
            2,
            "without TLS; give --tls-certificate",
        ),
        (&["--state", &other, "--keys", &missing], 1, "missing.pem"),
    ] {
        // Options are given once, so those of the case replace the free ports.
        let mut all = vec!["serve"];
        all.extend(arguments);
        for pair in free.chunks(2) {
            if !arguments.contains(&pair[0]) {
                all.extend(pair);
            }
        }
        // A program that ends takes everything in its workdir with it.
        let elsewhere = Workdir::new();
        let ended = Run::to_end(&elsewhere, elsewhere.meshwright(&all)).await;
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(expected), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.starts_with("error: ") || code == 2, "{ended:?}");
    }
    assert!(
        !workdir.path("other.state").exists(),
        "a start that fails creates nothing"
    );
    let unchanged = std::fs::read_to_string(&damaged).expect("the file");
    assert_eq!(unchanged, "this is no database, and must not be overwritten");
    serving.stop(&workdir).await;
}

/// With TLS on both ports, and a certificate that is renewed while it runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_ports_have_tls() {
    let workdir = Workdir::new();
    let authority = rcgen::KeyPair::generate().expect("a key");
    let certificate = rcgen::CertificateParams::new(["localhost".to_owned()])
        .and_then(|params| params.self_signed(&authority))
        .expect("a certificate");
    let certificate_file = workdir.file("server.pem", &certificate.pem()).display().to_string();
    let key_file = workdir
        .file("key.pem", &authority.serialize_pem())
        .display()
        .to_string();
    let state = workdir.path("mesh.state").display().to_string();
    let arguments = [
        "serve",
        "--state",
        &state,
        "--api",
        "127.0.0.1:0",
        "--xds",
        "127.0.0.1:0",
        "--status",
        "127.0.0.1:0",
        "--tls-certificate",
        &certificate_file,
        "--tls-key",
        &key_file,
    ];
    let mut run = Run::start(&workdir, workdir.meshwright(&arguments));
    run.wait_for("the lines to export", |printed| {
        printed.stdout.contains("Ctrl-C stops serving")
    })
    .await;
    let stdout = run.printed().stdout;
    let api = exported(&stdout, "AWS_ENDPOINT_URL_APP_MESH").expect("an endpoint");
    assert!(api.starts_with("https://localhost:"), "{stdout}");
    let xds = exported(&stdout, "APPMESH_XDS_ENDPOINT").expect("an endpoint");
    assert!(xds.starts_with("localhost:"), "{stdout}");
    // The client of another implementation of TLS: Python's.
    let script = "import json, ssl, sys, urllib.request\n\
                  context = ssl.create_default_context(cafile=sys.argv[2])\n\
                  url = sys.argv[1] + '/v20190125/meshes'\n\
                  print(urllib.request.urlopen(url, context=context, timeout=20).read().decode())\n";
    let script = workdir.file("client.py", script).display().to_string();
    // A program that ends takes everything in its workdir with it.
    let elsewhere = Workdir::new();
    let python = elsewhere.command(std::path::Path::new("python3"), &[&script, &api, &certificate_file]);
    let listed = Run::to_end(&elsewhere, python).await;
    assert_eq!(listed.code, Some(0), "{listed:?}");
    let listed: Value = serde_json::from_str(&listed.stdout).expect("JSON");
    assert_eq!(listed["meshes"], json!([]));
    run.signal(Signal::INT);
    let ended = run.end().await;
    assert_eq!(ended.code, Some(130), "{ended:?}");
    workdir.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_key_pairs_requests_are_signed_and_changes_are_logged() {
    use std::os::unix::fs::PermissionsExt as _;

    let workdir = Workdir::new();
    let secret = "a-secret-of-a-test-that-is-long-enough";
    let document = json!({"keys": [
        {"accessKeyId": "MESHOPERATOR", "secretAccessKey": secret, "access": "read-write", "meshes": ["demo"]}
    ]});
    let keys = workdir.file("keys.json", &document.to_string());
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o600)).expect("permissions");
    let log = workdir.path("audit.log");
    let (keys, log_text) = (keys.display().to_string(), log.display().to_string());
    let more = ["--keys", &keys, "--audit-log", &log_text];
    let serving = Serving::start_with(&workdir, "127.0.0.1:0", &more).await;
    let (status, error) = serving.api.send("GET", "/meshes", None).await.expect("a response");
    assert_eq!(status, 403, "{error}");
    let endpoint = serving.api.endpoint().to_owned();
    let create = |mesh: &'static str| ["create-mesh", "--mesh-name", mesh];
    let wrong = "another-secret-of-a-test-that-is-long";
    for (secret, mesh, expected) in [
        (wrong, "demo", Some("InvalidSignatureException")),
        (secret, "other", Some("ForbiddenException")),
        (secret, "demo", None),
    ] {
        let (succeeds, printed) = aws_cli(&endpoint, ("us-east-1", secret), &create(mesh)).await;
        assert_eq!(succeeds, expected.is_none(), "{printed}");
        assert!(
            printed.contains(expected.unwrap_or("\"meshName\": \"demo\"")),
            "{printed}"
        );
    }
    let lines = std::fs::read_to_string(&log).expect("an audit log");
    let changes: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(changes.len(), 1, "{lines}");
    assert!(lines.contains("MESHOPERATOR") && lines.contains("127.0.0.1"), "{lines}");
    assert!(!lines.contains(secret), "{lines}");

    // Renewed keys are used without a restart. Replaced as a whole, so that no half of a file is read.
    let renewed = workdir.file("renewed.json", &document.to_string().replace(secret, wrong));
    std::fs::set_permissions(&renewed, std::fs::Permissions::from_mode(0o600)).expect("permissions");
    std::fs::rename(renewed, keys).expect("the key file");
    let list = ["list-virtual-nodes", "--mesh-name", "demo"];
    eventually("the renewed key is accepted", async || {
        let (succeeds, printed) = aws_cli(&endpoint, ("us-east-1", wrong), &list).await;
        if succeeds { Ok(()) } else { Err(printed) }
    })
    .await;
    let (succeeds, printed) = aws_cli(&endpoint, ("us-east-1", secret), &list).await;
    assert!(!succeeds && printed.contains("InvalidSignatureException"), "{printed}");
    serving.stop(&workdir).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_is_served_for_its_account_and_region_only() {
    let workdir = Workdir::new();
    let more = ["--account", "111122223333", "--region", "eu-west-1"];
    let serving = Serving::start_with(&workdir, "127.0.0.1:0", &more).await;
    let printed = serving.run.printed().stdout;
    assert!(
        printed.contains("\n  export AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1 "),
        "{printed}"
    );
    serving.stop(&workdir).await;
    // Also of an empty state, and with the region of the environment. An empty variable is none.
    let state = workdir.path("mesh.state").display().to_string();
    let arguments = [
        "serve",
        "--state",
        &state,
        "--account",
        "111122223333",
        "--api",
        "127.0.0.1:0",
    ];
    let arguments = [&arguments[..], &["--xds", "127.0.0.1:0", "--status", "127.0.0.1:0"]].concat();
    for (region, served) in [("eu-central-1", "eu-central-1"), ("", "us-east-1")] {
        let elsewhere = Workdir::new();
        let mut command = elsewhere.meshwright(&arguments);
        command.env("AWS_REGION", region);
        let ended = Run::to_end(&elsewhere, command).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let expected = format!(
            "error: the state belongs to the account 111122223333 in the region eu-west-1, not to the account 111122223333 in the \
             region {served}; "
        );
        assert!(ended.stderr.starts_with(&expected), "{ended:?}");
    }
}

#[tokio::test]
async fn an_empty_variable_is_named() {
    let workdir = Workdir::new();
    let mut command = workdir.meshwright(&["serve"]);
    command.env("MESHWRIGHT_KEYS", "");
    let ended = Run::to_end(&workdir, command).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(
        ended
            .stderr
            .contains("Empty environment variables: MESHWRIGHT_KEYS; unset them"),
        "{ended:?}"
    );
}
