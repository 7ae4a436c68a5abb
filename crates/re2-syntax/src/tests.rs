//! Error messages, program sizes, and arbitrary input. `mesh-control`'s tests compare the results with Envoy.

use proptest::prelude::*;

use super::*;

fn error_of(expression: &str) -> String {
    check(expression).expect_err("an error")
}

#[test]
fn errors_contain_the_position() {
    assert_eq!(
        error_of("/a(b"),
        "is `/a(b`; at character 3, `(b` starts a group that is not closed"
    );
    assert_eq!(
        error_of("/ä/(?=b).*"),
        "is `/ä/(?=b).*`; at character 4, `(?=` is look-around, which RE2 does not support"
    );
    assert_eq!(
        error_of("a{2000}"),
        "is `a{2000}`; at character 2, `{2000}` is not a valid count; allowed are 0 to 1000, the smaller number first"
    );
    assert_eq!(
        error_of("[0-9]*+"),
        "is `[0-9]*+`; at character 6, `*+` repeats a repetition; put the inner one in a group"
    );
    assert_eq!(
        error_of(r"(a)\1"),
        r"is `(a)\1`; at character 4, `\1` is a back-reference, which RE2 does not support"
    );
    assert_eq!(
        error_of("[z-a]"),
        "is `[z-a]`; at character 2, `z-a` is a range whose end is before its start"
    );
    assert_eq!(
        error_of("a)"),
        r"is `a)`; at character 2, `)` closes no group; write \) for a parenthesis"
    );
    assert_eq!(
        error_of("a\\"),
        r"is `a\`; at character 2, `\` escapes nothing; write \\ for a backslash"
    );
}

#[test]
fn non_ascii_characters_are_shown_completely() {
    // RE2 sees the two bytes of é, and the second before the a.
    assert_eq!(
        error_of("[é-a]"),
        "is `[é-a]`; at character 2, `é-a` is a range whose end is before its start"
    );
}

#[test]
fn the_program_size_is_limited() {
    let versions = |count: u32| format!("[a-z]{{1,{count}}}");
    assert_eq!(check(&versions(498)), Ok(()));
    assert_eq!(
        error_of(&versions(499)),
        "is `[a-z]{1,499}`, which compiles to a program of 1001 instructions or more; allowed are 1000; use smaller \
         repetitions or `*`"
    );
    // A following unbounded repetition absorbs optional copies.
    assert_eq!(check("[a-z]{1,500}[a-z]*"), Ok(()));
    assert_eq!(check("(?:[a-z]+)+(?:[a-z]{2,500})"), Ok(()));
    assert_eq!(check(".*.*.*"), Ok(()));
    assert_eq!(check("(?:[a-z]{0,900}){0}"), Ok(()));
}

#[test]
fn flags_apply_until_the_end_of_their_group() {
    let size = |expression: &str| size::lower_bound(&parser::parse(expression.as_bytes()).expect("a valid expression"));
    // The dot without line ends is two ranges, and with them one.
    assert_eq!(size("."), 6);
    assert_eq!(size("(?s)."), 5);
    assert_eq!(size("(?:(?s).)."), 7);
    assert_eq!(size("(?s:.)."), 7);
    assert_eq!(size("(?s)(?-s:.)."), 7);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_handled(text in prop_oneof![
        "\\PC{0,20}",
        r"[\\()\[\]{}?*+|^$.,:<>P=!is\-0-9a-fpQEx é€]{0,20}",
    ]) {
        let _result = check(&text);
    }

    #[test]
    fn plain_paths_are_accepted(text in "(/[a-zA-Z0-9_-]{1,12}){1,8}(/\\.\\*)?") {
        prop_assert_eq!(check(&text), Ok(()));
    }
}
