//! Foreign types in the public API.

use testkit::public_api::assert_foreign_crates;

#[test]
fn foreign_types_in_the_api_are_on_the_allow_list() {
    let allowed = [
        (
            "envoy_types",
            "0.7: the messages of Envoy's API, of which a snapshot consists",
        ),
        (
            "http",
            "version 1: the service of a tonic server is one of HTTP requests",
        ),
        ("http_body", "version 1: the same"),
        ("prost", "0.14: the error of a resource that cannot be decoded"),
        ("serde_json", "node metadata, version 1"),
        ("tokio", "the required runtime: a channel announces revisions"),
        ("tonic", "0.14: the server that the service is mounted in"),
    ];
    assert_foreign_crates(env!("CARGO_MANIFEST_DIR"), &allowed);
}
