//! Foreign types in the public API.

use testkit::public_api::assert_foreign_crates;

#[test]
fn foreign_types_in_the_api_are_on_the_allow_list() {
    let allowed = [
        ("indexmap", "sections in the order of the template, version 2"),
        (
            "mesh_model",
            "key casing and Service Connect's configuration, of the same version",
        ),
        ("serde", "structs of resource types are read and written"),
        ("serde_json", "properties of any shape, version 1"),
        ("sidecar_contract", "validation errors, of the same version"),
    ];
    assert_foreign_crates(env!("CARGO_MANIFEST_DIR"), &allowed);
}
