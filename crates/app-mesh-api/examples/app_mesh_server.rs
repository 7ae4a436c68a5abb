//! Serves App Mesh's API on a free port of loopback, from a state file or from memory.
//!
//! `cargo run -p app-mesh-api --example app_mesh_server -- [FILE]`

use std::error::Error;

use app_mesh_api::auth::loopback_only;
use app_mesh_api::server::{Limits, serve};
use app_mesh_api::{FileStore, MemoryStore, Service, Settings, router};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let settings = Settings::default();
    let service = match std::env::args_os().nth(1) {
        Some(file) => Service::open(FileStore::open(file)?, settings).await?,
        None => Service::open(MemoryStore::new(), settings).await?,
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("Running on http://{}", listener.local_addr()?);
    let api = loopback_only(router(service));
    serve(listener, api, Limits::default(), std::future::pending()).await;
    Ok(())
}
