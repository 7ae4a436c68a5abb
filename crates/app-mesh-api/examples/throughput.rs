//! Measures reads and durable writes per second over HTTP with a mesh of 200 virtual nodes, the time to open a state of
//! 10,000 resources, and the memory of the process.
//!
//! `cargo run --release -p app-mesh-api --example throughput`
//!
//! Server and clients share the machine. The state file is in the working directory's file system, whose sync is measured
//! too.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use app_mesh_api::{Caller, FileStore, Quotas, Service, Settings, router};
use mesh_model::app_mesh::{Kind, ResourcePath};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

type Failure = Box<dyn Error + Send + Sync>;

const NODES: usize = 200;
const RUN: Duration = Duration::from_secs(5);

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    if let Some(state) = std::env::args_os().nth(1) {
        // A process that only opens a state.
        return open(std::path::Path::new(&state)).await;
    }
    let dir = std::env::current_dir()?.join(format!("throughput-{}", std::process::id()));
    std::fs::create_dir(&dir)?;
    let result = measure(&dir.join("state")).await;
    std::fs::remove_dir_all(&dir)?;
    result
}

async fn measure(state: &std::path::Path) -> Result<(), Failure> {
    let caller = Caller::unrestricted("throughput");
    let settings = Settings {
        quotas: Quotas::unlimited(),
        ..Settings::default()
    };
    let service = Service::open(FileStore::open(state)?, settings.clone()).await?;
    let nodes = (0..NODES).map(|number| (node_path("demo", number), node_spec(number)));
    let mesh = (ResourcePath::of_mesh("demo"), json!({}));
    service.import(&caller, nodes.chain([mesh])).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(axum::serve(listener, router(service.clone())).into_future());

    let item = |number: usize| format!("/v20190125/meshes/demo/virtualNodes/n{}", number % NODES);
    let read = move |number: usize| format!("GET {} HTTP/1.1\r\nhost: a\r\n\r\n", item(number));
    for clients in [16, 64] {
        println!(
            "{clients} clients: {:.0} reads/s",
            per_second(address, clients, read).await?
        );
    }
    let write = move |number: usize| {
        let body = json!({"spec": node_spec(number)}).to_string();
        let length = body.len();
        format!(
            "PUT {} HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{body}",
            item(number)
        )
    };
    for clients in [1, 16, 64] {
        println!(
            "{clients} clients: {:.0} durable writes/s",
            per_second(address, clients, write).await?
        );
    }
    server.abort();

    for mesh in 0..50 {
        let name = format!("mesh-{mesh}");
        let nodes = (0..199).map(|number| (node_path(&name, number), node_spec(number)));
        let mesh = (ResourcePath::of_mesh(&name), json!({}));
        service.import(&caller, nodes.chain([mesh])).await?;
    }
    println!(
        "{} resources, {} MB resident",
        service.registry().len(),
        resident()? >> 20
    );
    drop(service);
    let _ended = server.await;
    // The service's tasks close the file a moment after its last handle.
    while let Err(app_mesh_api::store::FileStoreError::InUse { .. }) = FileStore::open(state) {
        tokio::task::yield_now().await;
    }
    let program = std::env::current_exe()?;
    let status = tokio::task::spawn_blocking({
        let state = state.to_owned();
        move || std::process::Command::new(program).arg(state).status()
    });
    if status.await??.success() {
        Ok(())
    } else {
        Err("the state was not opened".into())
    }
}

async fn open(state: &std::path::Path) -> Result<(), Failure> {
    let started = Instant::now();
    let store = FileStore::open(state)?;
    let verified = started.elapsed();
    let service = Service::open(store, Settings::default()).await?;
    println!(
        "opened {} resources ({} MB) in {:.0?}, of which {verified:.0?} to verify the file; {} MB resident",
        service.registry().len(),
        std::fs::metadata(state)?.len() >> 20,
        started.elapsed(),
        resident()? >> 20
    );
    Ok(())
}

/// Responses per second to so many clients, each with one connection and one request at a time.
async fn per_second(
    address: SocketAddr,
    clients: usize,
    request: impl Fn(usize) -> String + Send + Copy + 'static,
) -> Result<f64, Failure> {
    let count = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let tasks: Vec<_> = (0..clients)
        .map(|client| {
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                let mut buffer = vec![0; 16 << 10];
                let mut number = client;
                while started.elapsed() < RUN {
                    stream.write_all(request(number).as_bytes()).await?;
                    receive(&mut stream, &mut buffer).await?;
                    count.fetch_add(1, Ordering::Relaxed);
                    number += clients;
                }
                Ok::<(), Failure>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    #[expect(clippy::cast_precision_loss, reason = "a count of some ten thousand")]
    let count = count.load(Ordering::Relaxed) as f64;
    Ok(count / started.elapsed().as_secs_f64())
}

/// Reads one response, which must be a success.
async fn receive(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<(), Failure> {
    let mut length = 0;
    loop {
        let read = stream.read(&mut buffer[length..]).await?;
        length += read;
        let text = std::str::from_utf8(&buffer[..length])?;
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            if !head.starts_with("HTTP/1.1 200") {
                return Err(text.into());
            }
            let expected = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() == expected.ok_or("no length")?.parse::<usize>()? {
                return Ok(());
            }
        }
        if read == 0 {
            return Err("the connection was closed".into());
        }
    }
}

fn node_path(mesh: &str, number: usize) -> ResourcePath {
    ResourcePath::new(mesh, Kind::VirtualNode, &format!("n{number}"))
}

fn node_spec(number: usize) -> Value {
    json!({
        "listeners": [{
            "portMapping": {"port": 8080, "protocol": "http"},
            "healthCheck": {"protocol": "http", "path": "/ping", "healthyThreshold": 2, "unhealthyThreshold": 3,
                "timeoutMillis": 2000, "intervalMillis": 5000},
            "timeout": {"http": {"perRequest": {"value": 15, "unit": "s"}}},
        }],
        "serviceDiscovery": {"dns": {"hostname": format!("host-{number}.local")}},
        "backends": (0..5).map(|backend| json!({"virtualService": {"virtualServiceName": format!("s{backend}.local")}}))
            .collect::<Vec<Value>>(),
        "logging": {"accessLog": {"file": {"path": "/dev/stdout"}}},
    })
}

/// Resident memory in bytes.
fn resident() -> Result<usize, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line
        .and_then(|line| line.trim().strip_suffix(" kB"))
        .ok_or("no VmRSS")?;
    Ok(kilobytes.trim().parse::<usize>()? << 10)
}
