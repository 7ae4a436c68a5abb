//! Foreign types in the public API.

use testkit::public_api::assert_foreign_crates;

#[test]
fn foreign_types_in_the_api_are_on_the_allow_list() {
    let allowed = [
        (
            "envoy_bootstrap",
            "node ids and metadata, re-exported, of the same version",
        ),
        ("mesh_model", "meshes and namespaces, of the same version"),
        ("server_tls", "TLS of the xDS port, of the same version"),
        ("xds_server", "sources and status, re-exported, of the same version"),
    ];
    assert_foreign_crates(env!("CARGO_MANIFEST_DIR"), &allowed);
}
