//! Documents of every form, whole and damaged.

use serde_json::{Value, json};

use super::*;

const PLAIN: &str = r#"{"nextUpdate":"green","nextVersion":2,"currentVersion":1}"#;

fn rewritten(text: &str) -> String {
    write(&read::<Value>(text).unwrap()).unwrap()
}

fn error(text: &str) -> String {
    read::<u32>(text).unwrap_err().to_string()
}

#[test]
fn the_plain_form_says_which_side_carries_what_and_is_written_as_it_was_read() {
    let state: State<u32> = read(PLAIN).unwrap();
    assert_eq!(state, State::plain(Side::Green, 2, 1));
    assert_eq!((*state.version(Side::Green), *state.version(Side::Blue)), (2, 1));
    assert_eq!(state.weights(), Weights::EVEN);
    assert_eq!(write(&state).unwrap(), PLAIN);
}

#[test]
fn versions_are_whatever_the_tool_calls_a_version() {
    for version in [
        json!(7),
        json!("v1.2"),
        json!({"image": "team/app@sha256:0", "flags": [1, null]}),
    ] {
        let text = format!(r#"{{"nextUpdate":"blue","nextVersion":{version},"currentVersion":"old"}}"#);
        assert_eq!(rewritten(&text), text);
    }
}

#[test]
fn the_older_form_is_read_and_rewritten() {
    assert_eq!(
        rewritten(r#"{"nextUpdate":"green","currentVersion":2,"previousVersion":1}"#),
        PLAIN
    );
    assert_eq!(
        rewritten(r#"{ "previousVersion": "a", "nextUpdate": "blue", "currentVersion": "b" }"#),
        r#"{"nextUpdate":"blue","nextVersion":"b","currentVersion":"a"}"#
    );
}

#[test]
fn an_older_reader_finds_its_three_keys_first() {
    let mut state = State::plain(Side::Green, 2, 1);
    state.weights = Weights::all(Side::Green);
    assert_eq!(
        write(&state).unwrap(),
        r#"{"nextUpdate":"green","nextVersion":2,"currentVersion":1,"form":1,"weights":{"blue":0,"green":100}}"#
    );
}

#[test]
fn what_is_no_state_is_quoted_with_what_is_wrong() {
    for (text, reason) in [
        ("", "EOF"),
        ("{", "EOF"),
        ("[]", "invalid"),
        ("{}", "missing field `nextUpdate`"),
        (
            r#"{"nextUpdate":"red","nextVersion":2,"currentVersion":1}"#,
            "unknown variant `red`",
        ),
        (
            r#"{"nextUpdate":"green","nextVersion":"two","currentVersion":1}"#,
            "invalid type",
        ),
        (
            r#"{"nextUpdate":"green","nextVersion":2}"#,
            "missing field `currentVersion`",
        ),
        (
            r#"{"nextUpdate":"green","currentVersion":1}"#,
            "missing field `nextVersion`",
        ),
        (
            r#"{"nextUpdate":"green","nextVersion":3,"currentVersion":2,"previousVersion":1}"#,
            "unknown field `previousVersion`",
        ),
        (
            r#"{"nextUpdate":"green","nextVersion":2,"nextVersion":3,"currentVersion":1}"#,
            "duplicate field",
        ),
        (
            r#"{"nextUpdate":"green","nextVersion":2,"currentVersion":1,"note":"by hand"}"#,
            "unknown field `note`",
        ),
        (
            r#"{"nextUpdate":"green","nextVersion":2,"currentVersion":1,"weights":{"blue":60,"green":60}}"#,
            "do not add up to 100%",
        ),
    ] {
        let error = error(text);
        assert!(error.contains(reason), "{error} should say: {reason}");
        assert!(error.ends_with(&format!("it is left as it is: `{text}`")), "{error}");
    }
}

#[test]
fn long_and_unprintable_documents_are_quoted_in_part_and_escaped() {
    let found = error(&"\u{1}".repeat(501));
    assert!(found.ends_with(&format!("`{}` …", "\\u{1}".repeat(500))), "{found}");
}

#[test]
fn a_newer_form_is_not_guessed_at() {
    let text = r#"{"nextUpdate":"green","nextVersion":2,"currentVersion":1,"form":2,"canaries":3}"#;
    let found = format!("`{text}`");
    assert_eq!(read::<u32>(text), Err(DocumentError::Newer { form: 2, found }));
}

#[test]
fn a_rollout_that_does_not_fit_the_rest_is_damaged() {
    let document = |weights: &str, held: bool, phase: &str| {
        format!(
            r#"{{"nextUpdate":"green","nextVersion":2,"currentVersion":1,"form":1,"weights":{weights},"request":3,
            "rollout":{{"strategy":"canary:10%,30s","driver":"me","turn":1,"held":{held},"after":0,
            "back":{{"nextUpdate":"blue","weights":{{"blue":100,"green":0}}}},"phase":{phase}}}}}"#
        )
    };
    let blue = r#"{"blue":100,"green":0}"#;
    let canary = r#"{"blue":90,"green":10}"#;
    let shift = r#"{"PRODUCTION_TRAFFIC_SHIFT":{"step":0,"until":5}}"#;
    let back = r#"{"ROLLBACK_IN_PROGRESS":{"version":2,"reason":"aborted"}}"#;
    assert!(read::<u32>(&document(canary, false, shift)).is_ok());
    for (text, reason) in [
        (
            document(blue, false, shift),
            "in PRODUCTION_TRAFFIC_SHIFT they would be blue 90%, green 10%",
        ),
        (
            document(canary, false, shift).replace(r#""request":3"#, r#""request":3,"unfinished":"green""#),
            "green is unfinished, and has traffic",
        ),
        (
            document(canary, false, r#"{"BAKE_TIME":{"until":5}}"#),
            "in BAKE_TIME they would be",
        ),
        (
            document(canary, false, r#"{"PRODUCTION_TRAFFIC_SHIFT":{"step":2,"until":5}}"#),
            "has step 2, and `canary:10%,30s` has 2",
        ),
        (document(blue, false, r#"{"POST_SCALE_UP":{}}"#), "nothing is held"),
        (
            document(blue, false, back),
            "goes back to blue, and nextUpdate is green",
        ),
        (document(blue, false, r#"{"SCALE_UP":{}}"#), "missing field `until`"),
        (document(blue, false, r#"{"LUNCH":{}}"#), "unknown variant `LUNCH`"),
    ] {
        let error = error(&text);
        assert!(error.contains(reason), "{error} should say: {reason}");
    }
    assert!(read::<u32>(&document(blue, true, r#"{"POST_SCALE_UP":{}}"#)).is_ok());
}

#[test]
fn versions_that_do_not_survive_are_not_written() {
    let error = write(&State::first(f64::NAN)).unwrap_err().to_string();
    assert!(error.contains("do not survive being written as JSON"), "{error}");
}
