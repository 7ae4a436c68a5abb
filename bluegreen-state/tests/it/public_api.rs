//! Foreign types in the public API.

use testkit::public_api::assert_foreign_crates;

#[test]
fn foreign_types_in_the_api_are_on_the_allow_list() {
    let allowed = [
        (
            "aws_sdk_ssm",
            "the caller's client, version 1, re-exported as `SsmClient`",
        ),
        ("serde", "versions are any serializable type"),
    ];
    assert_foreign_crates(env!("CARGO_MANIFEST_DIR"), &allowed);
}
