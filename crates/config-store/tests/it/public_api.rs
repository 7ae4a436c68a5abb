//! Foreign types in the public API.

use testkit::public_api::assert_foreign_crates;

#[test]
fn foreign_types_in_the_api_are_on_the_allow_list() {
    let allowed = [
        ("aws_types", "the caller's AWS configuration of a bucket, version 1"),
        ("serde_json", "the error of serialization, version 1"),
        ("xds_server", "nodes, snapshots and sources, of the same version"),
    ];
    assert_foreign_crates(env!("CARGO_MANIFEST_DIR"), &allowed);
}
