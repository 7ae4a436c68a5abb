//! Foreign types in the public API: there are none.

use testkit::public_api::assert_foreign_crates;

#[test]
fn only_types_of_the_standard_library_are_in_the_api() {
    assert_foreign_crates(env!("CARGO_MANIFEST_DIR"), &[]);
}
