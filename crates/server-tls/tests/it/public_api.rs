//! Foreign types in the public API.

use testkit::public_api::assert_foreign_crates;

#[test]
fn foreign_types_in_the_api_are_on_the_allow_list() {
    let allowed = [
        ("futures_util", "0.3: the stream of connections"),
        ("tokio", "the required runtime: TCP listeners and connections"),
        ("tokio_rustls", "0.26: an accepted connection"),
    ];
    assert_foreign_crates(env!("CARGO_MANIFEST_DIR"), &allowed);
}
