//! Documents of every form, valid and damaged.

use serde_json::{Value, json};

use super::*;

const BASIC: &str = r#"{"nextUpdate":"green","nextVersion":2,"currentVersion":1}"#;

fn rewritten(text: &str) -> String {
    State::<Value>::from_json(text).unwrap().to_json().unwrap()
}

fn error(text: &str) -> String {
    State::<u32>::from_json(text).unwrap_err().to_string()
}

#[test]
fn basic_form_round_trips() {
    let state: State<u32> = State::from_json(BASIC).unwrap();
    assert_eq!(state, State::from_versions(Side::Green, 2, 1));
    assert_eq!((*state.version(Side::Green), *state.version(Side::Blue)), (2, 1));
    assert_eq!(state.weights(), Weights::EVEN);
    assert_eq!(state.to_json().unwrap(), BASIC);
}

#[test]
fn versions_may_be_any_json_value() {
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
fn older_form_is_read_and_rewritten() {
    assert_eq!(
        rewritten(r#"{"nextUpdate":"green","currentVersion":2,"previousVersion":1}"#),
        BASIC
    );
    assert_eq!(
        rewritten(r#"{ "previousVersion": "a", "nextUpdate": "blue", "currentVersion": "b" }"#),
        r#"{"nextUpdate":"blue","nextVersion":"b","currentVersion":"a"}"#
    );
}

#[test]
fn basic_keys_come_first() {
    let mut state = State::from_versions(Side::Green, 2, 1);
    state.weights = Weights::all(Side::Green);
    assert_eq!(
        state.to_json().unwrap(),
        r#"{"nextUpdate":"green","nextVersion":2,"currentVersion":1,"form":1,"weights":{"blue":0,"green":100}}"#
    );
}

#[test]
fn invalid_documents_are_quoted_with_the_reason() {
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
            r#"{"nextUpdate":"green","nextVersion":2,"currentVersion":1,"note":"manual"}"#,
            "unknown field `note`",
        ),
        (
            r#"{"nextUpdate":"green","nextVersion":2,"currentVersion":1,"weights":{"blue":60,"green":60}}"#,
            "do not add up to 100%",
        ),
    ] {
        let error = error(text);
        assert!(error.contains(reason), "{error} should contain: {reason}");
        assert!(error.ends_with(&format!("it was not changed: `{text}`")), "{error}");
    }
}

#[test]
fn quoted_documents_are_truncated_and_escaped() {
    let found = error(&"\u{1}".repeat(501));
    assert!(found.ends_with(&format!("`{}` …", "\\u{1}".repeat(500))), "{found}");
}

#[test]
fn newer_format_is_rejected() {
    let text = r#"{"nextUpdate":"green","nextVersion":2,"currentVersion":1,"form":2,"canaries":3}"#;
    let found = format!("`{text}`");
    assert_eq!(
        State::<u32>::from_json(text),
        Err(DocumentError::UnsupportedFormat { form: 2, found })
    );
}

#[test]
fn contradicting_rollouts_are_rejected() {
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
    assert!(State::<u32>::from_json(&document(canary, false, shift)).is_ok());
    for (text, reason) in [
        (
            document(blue, false, shift),
            "PRODUCTION_TRAFFIC_SHIFT requires blue 90%, green 10%",
        ),
        (
            document(canary, false, shift).replace(r#""request":3"#, r#""request":3,"unfinished":"green""#),
            "green is unfinished and has traffic",
        ),
        (
            document(canary, false, r#"{"BAKE_TIME":{"until":5}}"#),
            "BAKE_TIME requires",
        ),
        (
            document(canary, false, r#"{"PRODUCTION_TRAFFIC_SHIFT":{"step":2,"until":5}}"#),
            "has step 2, and `canary:10%,30s` has 2",
        ),
        (document(blue, false, r#"{"POST_SCALE_UP":{}}"#), "is not held"),
        (document(blue, false, back), "restores blue, and nextUpdate is green"),
        (document(blue, false, r#"{"SCALE_UP":{}}"#), "missing field `until`"),
        (document(blue, false, r#"{"LUNCH":{}}"#), "unknown variant `LUNCH`"),
    ] {
        let error = error(&text);
        assert!(error.contains(reason), "{error} should contain: {reason}");
    }
    assert!(State::<u32>::from_json(&document(blue, true, r#"{"POST_SCALE_UP":{}}"#)).is_ok());
}

#[test]
fn versions_that_change_in_json_are_not_written() {
    let error = State::initial(f64::NAN).to_json().unwrap_err().to_string();
    assert!(error.contains("do not survive conversion to JSON"), "{error}");
}
