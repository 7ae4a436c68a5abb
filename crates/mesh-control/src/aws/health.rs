//! Asking a control plane whether it is well, for the health check of a container that has no program for it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// How long the answer may take: less than ECS's least timeout for a health check, 2 s (ECS API reference,
/// `HealthCheck`, read 2026-11-23).
const PATIENCE: Duration = Duration::from_millis(1500);

/// How much of a reason is read, in bytes.
const LONGEST: usize = 16 * 1024;

/// Asks `/healthz` of the control plane whose status pages are at `status`; one that listens on all addresses is asked on
/// loopback.
///
/// # Errors
///
/// Why it is not well, in its own words, or why it gave no answer.
pub async fn check_health(status: SocketAddr) -> Result<(), String> {
    let at = match status.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => SocketAddr::from((Ipv4Addr::LOCALHOST, status.port())),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => SocketAddr::from((Ipv6Addr::LOCALHOST, status.port())),
        IpAddr::V4(_) | IpAddr::V6(_) => status,
    };
    let asked = tokio::time::timeout(PATIENCE, ask(at)).await;
    let answer = asked.unwrap_or_else(|_| Err("no answer within 1.5 s".into()));
    answer.map_err(|error| format!("http://{at}/healthz: {error}"))
}

async fn ask(at: SocketAddr) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(at).await?;
    let (mut requests, connection) = handshake(TokioIo::new(stream)).await?;
    let request = Request::get("/healthz")
        .header("host", at.to_string())
        .body(String::new())?;
    let asking = async {
        let answer = requests.send_request(request).await?;
        let status = answer.status();
        let said = to_bytes(Body::new(answer.into_body()), LONGEST).await?;
        if status.is_success() {
            return Ok(());
        }
        Err(String::from_utf8_lossy(&said).trim().to_owned().into())
    };
    // The connection works for as long as somebody waits for it.
    tokio::select! {
        answered = asking => answered,
        ended = connection => Err(ended.map_or_else(Into::into, |()| "the connection was closed".into())),
    }
}
