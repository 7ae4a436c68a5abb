//! Foreign types in the public API.

use testkit::public_api::assert_foreign_crates;

#[test]
fn foreign_types_in_the_api_are_on_the_allow_list() {
    let allowed = [
        ("app_mesh_migrate", "meshes between their sources and targets"),
        ("aws_types", "1: region, credentials and HTTP client"),
        ("mesh_model", "paths and specs of resources"),
        (
            "sidecar_contract",
            "validation errors, as in every crate of the workspace",
        ),
    ];
    assert_foreign_crates(env!("CARGO_MANIFEST_DIR"), &allowed);
}
