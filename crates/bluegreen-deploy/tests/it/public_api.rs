//! Foreign types in the public API.

use testkit::public_api::assert_foreign_crates;

#[test]
fn foreign_types_in_the_api_are_on_the_allow_list() {
    let allowed = [
        ("aws_types", "the caller's AWS configuration, version 1"),
        ("bluegreen_state", "states, events and stores, of the same version"),
        ("cfn", "templates, of the same version"),
        ("mesh_infra", "descriptions of applications, of the same version"),
        ("mesh_local", "statistics of virtual nodes, of the same version"),
        ("mesh_model", "paths of mesh resources, of the same version"),
        ("sidecar_contract", "validation errors, of the same version"),
        ("tokio", "the required runtime: channels of the control API"),
    ];
    assert_foreign_crates(env!("CARGO_MANIFEST_DIR"), &allowed);
}
