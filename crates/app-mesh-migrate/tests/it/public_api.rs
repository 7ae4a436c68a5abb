//! Foreign types in the public API.

use testkit::public_api::assert_foreign_crates;

#[test]
fn foreign_types_in_the_api_are_on_the_allow_list() {
    let allowed = [
        ("cfn", "templates are read and written"),
        ("indexmap", "2: templates in the order of the stacks"),
        ("mesh_infra", "the encoding of a written template"),
        ("mesh_model", "meshes are read and written"),
        (
            "sidecar_contract",
            "validation errors, as in every crate of the workspace",
        ),
    ];
    assert_foreign_crates(env!("CARGO_MANIFEST_DIR"), &allowed);
}
