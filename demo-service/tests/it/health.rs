//! `demo-service health`, as a container health check runs it.

use axum::http::StatusCode;
use axum::response::IntoResponse as _;

use crate::service_process::Settings;
use crate::sidecar::{Sidecar, closed_port};

/// Asks whatever is on `port`.
async fn health(port: u16) -> (Option<i32>, String, String) {
    Settings::nothing()
        .argument("health")
        .with("SERVICE_PORT", port)
        .outcome()
        .await
}

#[tokio::test]
async fn a_service_that_runs_is_well() {
    let green = Settings::green().start().await;
    assert_eq!(
        health(green.address.port()).await,
        (Some(0), String::new(), String::new())
    );
}

#[tokio::test]
async fn what_is_not_well_is_told() {
    let other = Sidecar::answering(|| StatusCode::SERVICE_UNAVAILABLE.into_response()).await;
    let address = other.address;
    let (code, _, stderr) = health(address.port()).await;
    assert_eq!(code, Some(1));
    assert_eq!(
        stderr,
        format!("demo-service: http://{address}/ answered 503 Service Unavailable\n")
    );

    let closed = closed_port();
    let address = closed.address;
    let (code, _, stderr) = health(address.port()).await;
    assert_eq!(code, Some(1));
    assert!(
        stderr.starts_with(&format!("demo-service: http://{address}/ cannot be reached: ")),
        "{stderr}"
    );

    let (code, _, stderr) = health(0).await;
    assert_eq!(code, Some(1));
    assert!(stderr.contains("SERVICE_PORT is 0"), "{stderr}");
}

#[tokio::test]
async fn a_service_that_hangs_is_not_waited_for() {
    let hanging = Sidecar::answering_later(std::future::pending).await;
    let address = hanging.address;
    let (code, _, stderr) = health(address.port()).await;
    assert_eq!(code, Some(1));
    assert_eq!(
        stderr,
        format!("demo-service: http://{address}/ did not answer within 2s\n")
    );
}
