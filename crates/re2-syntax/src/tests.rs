//! What is said of a mistake, and that every text is judged. What is a mistake at all, Envoy's own judgement says: see
//! `mesh-control`'s tests.

use proptest::prelude::*;

use super::*;

fn said(expression: &str) -> String {
    check(expression).expect_err("to be refused")
}

#[test]
fn a_mistake_is_shown_with_its_place() {
    assert_eq!(
        said("/a(b"),
        "is `/a(b`; at character 3, `(b` begins a group that nothing closes"
    );
    assert_eq!(
        said("/ä/(?=b).*"),
        "is `/ä/(?=b).*`; at character 4, `(?=` is look-around, which RE2 does not have"
    );
    assert_eq!(
        said("a{2000}"),
        "is `a{2000}`; at character 2, `{2000}` is no count; allowed are 0 to 1000, the smaller number first"
    );
    assert_eq!(
        said("[0-9]*+"),
        "is `[0-9]*+`; at character 6, `*+` repeats a repetition; put the inner one into a group"
    );
    assert_eq!(
        said(r"(a)\1"),
        r"is `(a)\1`; at character 4, `\1` is a back-reference, which RE2 does not have"
    );
    assert_eq!(
        said("[z-a]"),
        "is `[z-a]`; at character 2, `z-a` is a range that ends before it begins"
    );
    assert_eq!(
        said("a)"),
        r"is `a)`; at character 2, `)` closes no group; write \) for a parenthesis"
    );
    assert_eq!(
        said("a\\"),
        r"is `a\`; at character 2, `\` escapes nothing; write \\ for a backslash"
    );
}

#[test]
fn half_a_character_is_shown_as_a_whole_one() {
    // RE2 sees the two bytes of é, and the second before the a.
    assert_eq!(
        said("[é-a]"),
        "is `[é-a]`; at character 2, `é-a` is a range that ends before it begins"
    );
}

#[test]
fn a_program_may_have_a_thousand_instructions() {
    let versions = |count: u32| format!("[a-z]{{1,{count}}}");
    assert_eq!(check(&versions(498)), Ok(()));
    assert_eq!(
        said(&versions(499)),
        "is `[a-z]{1,499}`, which makes a program of 1001 instructions or more; allowed are 1000, so repeat less often \
         or say `*`"
    );
    // What follows swallows what may be left out.
    assert_eq!(check("[a-z]{1,500}[a-z]*"), Ok(()));
    assert_eq!(check("(?:[a-z]+)+(?:[a-z]{2,500})"), Ok(()));
    assert_eq!(check(".*.*.*"), Ok(()));
    assert_eq!(check("(?:[a-z]{0,900}){0}"), Ok(()));
}

#[test]
fn flags_hold_until_their_group_ends() {
    let size = |expression: &str| size::at_least(&parser::parse(expression.as_bytes()).expect("sound"));
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
    fn every_text_is_judged(text in prop_oneof![
        "\\PC{0,20}",
        r"[\\()\[\]{}?*+|^$.,:<>P=!is\-0-9a-fpQEx é€]{0,20}",
    ]) {
        let _judged = check(&text);
    }

    #[test]
    fn plain_paths_are_taken(text in "(/[a-zA-Z0-9_-]{1,12}){1,8}(/\\.\\*)?") {
        prop_assert_eq!(check(&text), Ok(()));
    }
}
