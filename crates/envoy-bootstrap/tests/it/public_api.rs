//! Foreign types in the public API.

use testkit::public_api::assert_foreign_crates;

#[test]
fn foreign_types_in_the_api_are_on_the_allow_list() {
    let allowed = [
        ("mesh_model", "paths of mesh resources in node ids, of the same version"),
        ("serde_json", "the file and the node metadata are JSON, version 1"),
    ];
    assert_foreign_crates(env!("CARGO_MANIFEST_DIR"), &allowed);
}
