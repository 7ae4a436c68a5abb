//! The health check of a container: queries `/healthz`, for images without any other program.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// The time limit: less than ECS's minimum timeout of a health check, 2 s (ECS API reference, `HealthCheck`, read
/// 2026-11-23).
const TIMEOUT: Duration = Duration::from_millis(1500);

/// The maximum length of a reason, in bytes.
const MAX_REASON: usize = 16 * 1024;

/// Queries `/healthz` of the control plane with this status address; on loopback if that is an unspecified address.
///
/// # Errors
///
/// Why it is unhealthy, as it reports, or why there is no response.
pub async fn check_health(status: SocketAddr) -> Result<(), String> {
    let address = match status.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => SocketAddr::from((Ipv4Addr::LOCALHOST, status.port())),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => SocketAddr::from((Ipv6Addr::LOCALHOST, status.port())),
        IpAddr::V4(_) | IpAddr::V6(_) => status,
    };
    let response = tokio::time::timeout(TIMEOUT, request_health(address)).await;
    let outcome = response.unwrap_or_else(|_| Err("no response within 1.5 s".into()));
    outcome.map_err(|error| format!("http://{address}/healthz: {error}"))
}

async fn request_health(address: SocketAddr) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(address).await?;
    let (mut requests, connection) = handshake(TokioIo::new(stream)).await?;
    let request = Request::get("/healthz")
        .header("host", address.to_string())
        .body(String::new())?;
    let exchange = async {
        let response = requests.send_request(request).await?;
        let status = response.status();
        let body = to_bytes(Body::new(response.into_body()), MAX_REASON).await?;
        if status.is_success() {
            return Ok(());
        }
        Err(String::from_utf8_lossy(&body).trim().to_owned().into())
    };
    // The connection makes progress only while it is polled.
    tokio::select! {
        outcome = exchange => outcome,
        ended = connection => Err(ended.map_or_else(Into::into, |()| "the connection was closed".into())),
    }
}
