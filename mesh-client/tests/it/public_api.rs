//! Foreign types in the public API.

use testkit::public_api::assert_foreign_crates;

#[test]
fn foreign_types_in_the_api_are_on_the_allow_list() {
    let allowed = [
        ("bytes", "bodies, as in hyper, axum and reqwest"),
        ("http", "methods, statuses and headers, as in hyper, axum and reqwest"),
        ("http_body", "streaming bodies"),
        ("serde", "JSON bodies"),
        ("sidecar_contract", "definitions shared with the control plane"),
        ("tokio", "the required runtime, and its channels"),
        ("tower", "the client is a service, and telemetry has a layer"),
        ("tracing", "telemetry is a layer of a subscriber"),
        ("tracing_subscriber", "telemetry is a layer of a subscriber"),
    ];
    assert_foreign_crates(env!("CARGO_MANIFEST_DIR"), &allowed);
}
