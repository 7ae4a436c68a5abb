//! The command `health`, for container health checks.

use axum::http::StatusCode;
use axum::response::IntoResponse as _;

use crate::service_process::Settings;
use testkit::{FakeSidecar, closed_port};

/// Checks the service on `port`.
async fn check_health(port: u16) -> (Option<i32>, String, String) {
    Settings::empty()
        .argument("health")
        .with("SERVICE_PORT", port)
        .outcome()
        .await
}

#[tokio::test]
async fn a_running_service_is_healthy() {
    let green = Settings::green().start().await;
    assert_eq!(
        check_health(green.address.port()).await,
        (Some(0), String::new(), String::new())
    );
}

#[tokio::test]
async fn an_unhealthy_service_is_reported() {
    let other = FakeSidecar::responding(|| StatusCode::SERVICE_UNAVAILABLE.into_response()).await;
    let address = other.address;
    let (code, _, stderr) = check_health(address.port()).await;
    assert_eq!(code, Some(1));
    assert_eq!(
        stderr,
        format!("demo-service: http://{address}/ responded with 503 Service Unavailable\n")
    );

    let closed = closed_port();
    let address = closed;
    let (code, _, stderr) = check_health(address.port()).await;
    assert_eq!(code, Some(1));
    assert!(
        stderr.starts_with(&format!("demo-service: http://{address}/ cannot be reached: ")),
        "{stderr}"
    );

    let (code, _, stderr) = check_health(0).await;
    assert_eq!(code, Some(1));
    assert!(stderr.contains("SERVICE_PORT is 0"), "{stderr}");
}

#[tokio::test]
async fn the_check_has_a_timeout() {
    let hanging = FakeSidecar::responding_async(std::future::pending).await;
    let address = hanging.address;
    let (code, _, stderr) = check_health(address.port()).await;
    assert_eq!(code, Some(1));
    assert_eq!(
        stderr,
        format!("demo-service: http://{address}/ did not respond within 2s\n")
    );
}
