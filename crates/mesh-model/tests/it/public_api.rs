//! Foreign types in the public API.

use testkit::public_api::assert_foreign_crates;

#[test]
fn foreign_types_in_the_api_are_on_the_allow_list() {
    let allowed = [
        ("ipnet", "blocks of addresses, version 2"),
        ("serde", "specs are read and written"),
        ("serde_json", "documents, version 1"),
        ("sidecar_contract", "validation errors, of the same version"),
    ];
    assert_foreign_crates(env!("CARGO_MANIFEST_DIR"), &allowed);
}
