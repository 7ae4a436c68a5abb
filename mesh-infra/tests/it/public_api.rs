//! Foreign types in the public API.

use testkit::public_api::assert_foreign_crates;

#[test]
fn foreign_types_in_the_api_are_on_the_allow_list() {
    let allowed = [
        ("cfn", "templates, values and layer 1, of the same version"),
        ("cfn_deploy", "re-exported as `deploy`"),
        (
            "indexmap",
            "resources and services in the order of the template, version 2",
        ),
        (
            "mesh_model",
            "the vocabulary of App Mesh and Service Connect, of the same version",
        ),
        ("serde_json", "properties that have no struct, version 1"),
        ("sidecar_contract", "validation errors, of the same version"),
    ];
    assert_foreign_crates(env!("CARGO_MANIFEST_DIR"), &allowed);
}
