//! Foreign types in the public API.

use testkit::public_api::assert_foreign_crates;

#[test]
fn foreign_types_in_the_api_are_on_the_allow_list() {
    let allowed = [
        ("aws_types", "the caller's AWS configuration, version 1"),
        ("cfn", "templates, of the same version"),
        ("indexmap", "outputs in the order of the stack, version 2"),
        ("sidecar_contract", "validation errors, of the same version"),
    ];
    assert_foreign_crates(env!("CARGO_MANIFEST_DIR"), &allowed);
}
