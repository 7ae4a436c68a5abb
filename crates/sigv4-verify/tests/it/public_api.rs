//! Foreign types in the public API.

use testkit::public_api::assert_foreign_crates;

#[test]
fn foreign_types_in_the_api_are_on_the_allow_list() {
    let allowed = [
        ("bytes", "version 1: bodies"),
        ("http", "version 1: requests and responses"),
        ("http_body", "version 1: bodies"),
        ("tower", "0.5: the layer and the service"),
    ];
    assert_foreign_crates(env!("CARGO_MANIFEST_DIR"), &allowed);
}
