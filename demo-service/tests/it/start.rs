//! Start of the service, and its errors.

use reqwest::StatusCode;

use crate::service_process::Settings;

#[tokio::test]
async fn the_start_line_contains_name_version_and_port() {
    let demo = Settings::empty()
        .with("SERVICE_NAME", "testing")
        .with("SERVICE_VERSION", "10")
        .with("SERVICE_PORT", "0")
        .start()
        .await;
    let port = demo.address.port();
    assert_ne!(port, 0);
    assert_eq!(
        demo.start_line,
        format!("Service 'testing' (version 10) running on port: {port}")
    );
    let expected = r#"{"message":"ok","service":"testing","version":"10"}"#;
    assert_eq!(demo.get_json("/").await, (StatusCode::OK, expected.to_owned()));
}

#[tokio::test]
async fn a_busy_port_is_one_clear_message() {
    let first = Settings::green().start().await;
    let second = Settings::green()
        .with("RUST_LOG", "warn")
        .with("SERVICE_PORT", first.address.port());
    let (code, stdout, stderr) = second.outcome().await;
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    let expected = format!("demo-service: cannot listen on {}: ", first.address);
    assert!(stderr.starts_with(&expected) && stderr.lines().count() == 1, "{stderr}");
}

#[tokio::test]
async fn all_errors_in_the_environment_are_reported_together() {
    let (code, stdout, stderr) = Settings::empty()
        .with("SERVICE_PORT", "http")
        .with("SERVICE_BIND", "everywhere")
        .with("MESHWRIGHT_EGRESS", "localhost:15001")
        .with("MESHWRIGHT_SUFFIXES", "app mesh")
        .outcome()
        .await;
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    let expected = "\
demo-service: SERVICE_PORT: is `http`; allowed is a port from 0 to 65535
SERVICE_BIND: is `everywhere`; allowed is an IP address, such as 127.0.0.1
MESHWRIGHT_EGRESS: is `localhost:15001`; allowed is an IP address with a port, such as 127.0.0.1:15001
MESHWRIGHT_SUFFIXES: contains `app mesh`; allowed are 1 to 253 of a-z, 0-9, _ and -, in labels separated by dots
";
    assert_eq!(stderr, expected);
}

#[tokio::test]
async fn an_incomplete_mesh_configuration_is_an_error() {
    let (code, _, stderr) = Settings::green()
        .with("MESHWRIGHT_EGRESS", "127.0.0.1:15001")
        .outcome()
        .await;
    assert_eq!(code, Some(1));
    assert!(stderr.contains("MESHWRIGHT_SUFFIXES: is not set"), "{stderr}");
}

#[tokio::test]
async fn unknown_arguments_are_rejected() {
    let (code, stdout, stderr) = Settings::green().argument("--prot").outcome().await;
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("unexpected argument '--prot'"), "{stderr}");

    let (code, stdout, stderr) = Settings::empty().argument("--help").outcome().await;
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(stdout.contains("Usage: demo-service [COMMAND]"), "{stdout}");
}
