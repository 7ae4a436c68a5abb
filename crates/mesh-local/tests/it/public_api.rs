//! Foreign types in the public API.

use testkit::public_api::assert_foreign_crates;

#[test]
fn foreign_types_in_the_api_are_on_the_allow_list() {
    let allowed = [
        ("envoy_install", "errors of the search for Envoy, of the same version"),
        ("ipnet", "CIDR blocks of interception rules, version 2"),
        (
            "mesh_control",
            "configurations and NACKs of Envoys, of the same version",
        ),
        ("mesh_infra", "templates, of the same version"),
        ("mesh_model", "paths of mesh resources, of the same version"),
        ("serde_json", "Envoy's configuration as JSON, version 1"),
        ("sidecar_contract", "validation errors, of the same version"),
    ];
    assert_foreign_crates(env!("CARGO_MANIFEST_DIR"), &allowed);
}
