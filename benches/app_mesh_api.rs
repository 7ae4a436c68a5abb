//! App Mesh's API: reads and durable writes per second in a mesh of 200 virtual nodes, beside moto's server under the same
//! script; and the time from UpdateRoute until three Envoys have acknowledged the change.
//!
//! Server and client share the machine. `serve` is this build of the `meshwright` program, with its state file in the
//! temporary directory; moto keeps its state in memory.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mesh_control::node::MeshwrightMetadata;
use mesh_control::{Admin, ApiType, Bootstrap, NodeMetadata};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::Server;

/// Virtual nodes of the mesh.
const NODES: usize = 200;
/// Time of each measurement.
const DURATION: Duration = Duration::from_secs(5);
/// Concurrent callers: few for reads, which cost CPU only; many for writes, which share the syncs of the disk.
const READERS: usize = 16;
const WRITERS: usize = 128;
/// Changes of a route.
const CHANGES: usize = 300;

type AnyError = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new();
    match runtime
        .map_err(AnyError::from)
        .and_then(|runtime| runtime.block_on(measure()))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure() -> Result<(), AnyError> {
    println!("| server | reads/s | durable writes/s | peak memory MB |");
    println!("| --- | ---: | ---: | ---: |");
    let ours = Serve::start()?;
    let (reads, writes) = throughput(&Api::new(&ours.api)?).await?;
    println!(
        "| meshwright serve | {reads:.0} | {writes:.0} | {:.0} |",
        ours.peak_memory_mb()?
    );
    drop(ours);
    let moto = Server::moto(testkit::python_tools())?;
    let (reads, writes) = throughput(&Api::new(moto.address())?).await?;
    println!("| moto_server, in memory | {reads:.0} | {writes:.0} | |");
    drop(moto);

    let mut times = until_acknowledged().await?;
    times.sort_unstable();
    let milliseconds = |position: usize| times[times.len() * position / 100].as_secs_f64() * 1000.0;
    println!(
        "\nUpdateRoute until three Envoys have acknowledged it, request included: median {:.2} ms, p99 {:.2} ms, of {}",
        milliseconds(50),
        milliseconds(99),
        times.len()
    );
    Ok(())
}

/// Reads and writes per second.
async fn throughput(api: &Api) -> Result<(f64, f64), AnyError> {
    api.put("/meshes", &json!({"meshName": "demo"})).await?;
    for number in 0..NODES {
        let body = json!({"virtualNodeName": name(number), "spec": node_spec(number, 80)});
        api.put("/meshes/demo/virtualNodes", &body).await?;
    }
    let client = api.clone();
    let reads = rate(READERS, move |number| {
        let client = client.clone();
        async move {
            let path = format!("/meshes/demo/virtualNodes/{}", name(number % NODES));
            client.get(&path).await
        }
    });
    let reads = reads.await?;
    let client = api.clone();
    let writes = rate(WRITERS, move |number| {
        let client = client.clone();
        async move {
            // Each write changes something.
            let port = 1 + u16::try_from(number / NODES % 60_000)?;
            let body = json!({ "spec": node_spec(number % NODES, port) });
            let path = format!("/meshes/demo/virtualNodes/{}", name(number % NODES));
            client.put(&path, &body).await
        }
    });
    let writes = writes.await?;
    Ok((reads, writes))
}

/// Calls per second of concurrent callers, each with sequential calls. A failed call is an error.
async fn rate<F, R>(callers: usize, call: F) -> Result<f64, AnyError>
where
    F: Fn(usize) -> R + Clone + Send + 'static,
    R: Future<Output = Result<Value, AnyError>> + Send,
{
    let next = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let tasks = (0..callers).map(|_| {
        let (call, next) = (call.clone(), Arc::clone(&next));
        tokio::spawn(async move {
            let mut calls = 0_u32;
            while start.elapsed() < DURATION {
                call(next.fetch_add(1, Ordering::Relaxed)).await?;
                calls += 1;
            }
            Ok::<u32, AnyError>(calls)
        })
    });
    let mut calls = 0.0;
    for task in tasks.collect::<Vec<_>>() {
        calls += f64::from(task.await??);
    }
    Ok(calls / start.elapsed().as_secs_f64())
}

fn name(number: usize) -> String {
    format!("node-{number:03}")
}

fn node_spec(number: usize, port: u16) -> Value {
    json!({
        "listeners": [{"portMapping": {"port": port, "protocol": "http"}}],
        "serviceDiscovery": {"dns": {"hostname": format!("{}.demo.local", name(number))}},
        "backends": [{"virtualService": {"virtualServiceName": format!("{}.demo.local", name((number + 1) % NODES))}}],
    })
}

/// The time of each change, from the request until three Envoys have acknowledged it, as the status page shows.
async fn until_acknowledged() -> Result<Vec<Duration>, AnyError> {
    let serve = Serve::start()?;
    let api = Api::new(&serve.api)?;
    api.put("/meshes", &json!({"meshName": "demo"})).await?;
    let backend = json!({"virtualService": {"virtualServiceName": "shop.demo"}});
    for (name, spec) in [
        ("blue", node_spec(0, 80)),
        ("green", node_spec(1, 80)),
        ("caller", json!({ "backends": [backend] })),
    ] {
        let body = json!({"virtualNodeName": name, "spec": spec});
        api.put("/meshes/demo/virtualNodes", &body).await?;
    }
    let listener = json!({"portMapping": {"port": 80, "protocol": "http"}});
    let router = json!({"virtualRouterName": "split", "spec": {"listeners": [listener]}});
    api.put("/meshes/demo/virtualRouters", &router).await?;
    let route = json!({"routeName": "all", "spec": route_spec(50)});
    api.put("/meshes/demo/virtualRouter/split/routes", &route).await?;
    let provider = json!({"virtualRouter": {"virtualRouterName": "split"}});
    let service = json!({"virtualServiceName": "shop.demo", "spec": {"provider": provider}});
    api.put("/meshes/demo/virtualServices", &service).await?;

    let envoys = (0..3).map(|_| Envoy::start(serve.xds)).collect::<Result<Vec<_>, _>>()?;
    let mut revision = settled(&api, &serve.status, 0).await?;
    let mut times = Vec::new();
    for change in 0..CHANGES {
        let body = json!({ "spec": route_spec(u32::try_from(change)? % 50) });
        let start = Instant::now();
        api.put("/meshes/demo/virtualRouter/split/routes/all", &body).await?;
        revision = settled(&api, &serve.status, revision + 1).await?;
        times.push(start.elapsed());
    }
    drop(envoys);
    Ok(times)
}

fn route_spec(weight: u32) -> Value {
    let targets = json!([{"virtualNode": "blue", "weight": weight}, {"virtualNode": "green", "weight": 100 - weight}]);
    json!({"httpRoute": {"match": {"prefix": "/"}, "action": {"weightedTargets": targets}}})
}

/// Waits until three Envoys have settled on this revision or a later one, and returns it.
async fn settled(api: &Api, status: &str, revision: u64) -> Result<u64, AnyError> {
    let deadline = Instant::now() + Duration::from_secs(30);
    while Instant::now() < deadline {
        let page: Value = serde_json::from_str(&api.client.get(status).send().await?.text().await?)?;
        let nodes = page["nodes"].as_array().cloned().unwrap_or_default();
        let revisions: Vec<u64> = nodes
            .iter()
            .filter(|node| node["settled"] == true)
            .filter_map(|node| node["revision"].as_u64())
            .collect();
        if let (3, Some(lowest)) = (revisions.len(), revisions.iter().min())
            && *lowest >= revision
        {
            return Ok(*lowest);
        }
    }
    Err(format!("not every Envoy has settled on revision {revision}").into())
}

/// A client of the API.
#[derive(Clone)]
struct Api {
    endpoint: String,
    client: reqwest::Client,
}

impl Api {
    fn new(endpoint: &str) -> Result<Self, AnyError> {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60));
        Ok(Self {
            endpoint: format!("{endpoint}/v20190125"),
            client: client.build()?,
        })
    }

    async fn get(&self, path: &str) -> Result<Value, AnyError> {
        self.send(self.client.get(format!("{}{path}", self.endpoint))).await
    }

    async fn put(&self, path: &str, body: &Value) -> Result<Value, AnyError> {
        let request = self.client.put(format!("{}{path}", self.endpoint));
        let request = request.header("content-type", "application/json");
        self.send(request.body(body.to_string())).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Value, AnyError> {
        // moto selects the API by the service in a signature, which it does not verify.
        let signature = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261130/us-east-1/appmesh/aws4_request, \
                         SignedHeaders=host, Signature=0";
        let response = request.header("authorization", signature).send().await?;
        let status = response.status();
        let text = response.text().await?;
        if !status.is_success() {
            return Err(format!("{status}: {text}").into());
        }
        Ok(serde_json::from_str(&text)?)
    }
}

/// A running `meshwright serve`. Killed on drop.
struct Serve {
    child: Child,
    api: String,
    xds: SocketAddr,
    status: String,
    _directory: TempDir,
}

impl Serve {
    fn start() -> Result<Self, AnyError> {
        let directory = tempfile::tempdir()?;
        let mut child = Command::new(env!("CARGO_BIN_EXE_meshwright"))
            .args([
                "serve",
                "--api",
                "127.0.0.1:0",
                "--xds",
                "127.0.0.1:0",
                "--status",
                "127.0.0.1:0",
                "--state",
            ])
            .arg(directory.path().join("mesh.state"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut output = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        let mut printed = String::new();
        while !printed.contains("Ctrl-C stops serving") {
            if output.read_line(&mut printed)? == 0 {
                return Err(format!("serve has ended: {printed}").into());
            }
        }
        let value = |start: &str| {
            let mut lines = printed.lines().map(str::trim);
            let value = lines.find_map(|line| line.strip_prefix(start)?.split_whitespace().next());
            value.ok_or_else(|| format!("no `{start}` in {printed}"))
        };
        Ok(Self {
            api: value("export AWS_ENDPOINT_URL_APP_MESH=")?.to_owned(),
            xds: value("export APPMESH_XDS_ENDPOINT=")?.parse()?,
            status: value("Status: ")?.to_owned(),
            child,
            _directory: directory,
        })
    }

    /// The highest resident memory so far. Linux.
    fn peak_memory_mb(&self) -> Result<f64, AnyError> {
        let mut text = String::new();
        File::open(format!("/proc/{}/status", self.child.id()))?.read_to_string(&mut text)?;
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes: f64 = peak
            .and_then(|peak| peak.split_whitespace().next())
            .ok_or("no VmHWM")?
            .parse()?;
        Ok(kilobytes / 1024.0)
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// An Envoy of the virtual node `caller`. Killed on drop.
struct Envoy {
    child: Child,
    _directory: TempDir,
}

impl Envoy {
    fn start(xds: SocketAddr) -> Result<Self, AnyError> {
        let directory = tempfile::tempdir()?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let bootstrap = Bootstrap {
            node_id: "mesh/demo/virtualNode/caller".to_owned(),
            metadata: NodeMetadata {
                listener_ports: [("egress".to_owned(), port)].into(),
                extension: MeshwrightMetadata::default(),
            },
            xds: xds.into(),
            api_type: ApiType::DeltaGrpc,
            admin: Admin::Socket(directory.path().join("admin.sock")),
            sds: None,
            dns_servers: Vec::new(),
            xds_security: mesh_control::XdsSecurity::default(),
            failover: None,
            reports_calls: false,
        };
        let file = directory.path().join("envoy.json");
        std::fs::write(&file, bootstrap.to_json().to_string())?;
        Ok(Self {
            child: envoy(&file)?,
            _directory: directory,
        })
    }
}

fn envoy(bootstrap: &Path) -> std::io::Result<Child> {
    testkit::envoy()
        .command()
        .arg("--config-path")
        .arg(bootstrap)
        .args(["--disable-hot-restart", "--concurrency", "1", "--log-level", "error"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

impl Drop for Envoy {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}
