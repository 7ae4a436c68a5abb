//! A service with readiness, graceful shutdown, spans and metrics, which calls `blue`:
//! `cargo run -p mesh-client --features axum,telemetry --example service`.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use mesh_client::Client;
use mesh_client::server::{Readiness, Shutdown};
use mesh_client::telemetry::{self, ServerLayer};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let telemetry = telemetry::init()?;
    let mesh = Client::from_env()?;

    let readiness = Readiness::new(mesh.sidecar().clone());
    let shutdown = Shutdown::on_signals(&readiness)?;
    let app = Router::new()
        .route("/", get(hello))
        .with_state(mesh)
        .layer(ServerLayer::new())
        .route_service("/ready", readiness.endpoint());
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    let result = shutdown
        .run(|stop| axum::serve(listener, app).with_graceful_shutdown(stop))
        .await;
    telemetry.shutdown().await;
    Ok(result?)
}

async fn hello(State(mesh): State<Client>) -> Result<String, (StatusCode, String)> {
    let call = mesh.get("http://blue.appmesh/").send().await;
    let response = call.and_then(mesh_client::Response::error_for_status);
    let status_of = |error: &mesh_client::Error| {
        if error.is_timeout() {
            StatusCode::GATEWAY_TIMEOUT
        } else {
            StatusCode::BAD_GATEWAY
        }
    };
    match response {
        Ok(response) => response
            .text()
            .await
            .map_err(|error| (status_of(&error), error.to_string())),
        Err(error) => Err((status_of(&error), error.to_string())),
    }
}
