//! Templates of a few kilobytes that would need gigabytes or hours.

use std::fmt::Write as _;

use super::*;

/// `Fn::Sub` whose variable is a `Fn::Sub` …: each level has the text of the one below ten times.
fn nested_sub(levels: usize) -> Json {
    (0..levels).fold(
        json!("0123456789"),
        |inner, _| json!({"Fn::Sub": ["${x}${x}${x}${x}${x}${x}${x}${x}${x}${x}", {"x": inner}]}),
    )
}

#[test]
fn texts_that_multiply_are_an_error() {
    assert_eq!(evaluate(&nested_sub(3)).0.text().map(|text| text.len()), Some(10_000));
    for large in [
        nested_sub(20),
        json!({"Fn::Join": [nested_sub(5), vec!["a"; 1000]]}),
        json!({"Fn::ToJsonString": vec![nested_sub(5); 100]}),
    ] {
        let (value, errors) = evaluate(&large);
        assert_eq!(value.known(), None);
        assert!(
            errors.ends_with("the functions of this value make more than 4 MiB of text"),
            "{errors}"
        );
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
}

#[test]
fn the_default_of_an_unknown_key_is_evaluated_once() {
    // Evaluated twice at each level, this takes 2^100 steps.
    let nested = (0..100).fold(
        json!({"Ref": "Nothing"}),
        |inner, _| json!({"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "Cpu", {"DefaultValue": inner}]}),
    );
    let (value, errors) = evaluate(&nested);
    assert_eq!(value.known(), None);
    assert_eq!(errors.lines().count(), 1, "{errors}");
}

/// The errors of the loops of a template with these resources.
fn loop_errors(resources: &str) -> String {
    let text = format!(r#"{{"Transform": "AWS::LanguageExtensions", "Resources": {{{resources}}}}}"#);
    let template = Template::from_text(&text).unwrap();
    let evaluator = Evaluator::new(&template, NothingKnown);
    let mut diagnostics = Diagnostics::new();
    let stack = evaluator.stacks().next().unwrap();
    stack.expand_loops(&mut Context::new(&mut diagnostics));
    diagnostics.to_string()
}

/// Loops around `fragment`, each over `items`, in which `@` is the number of the loop.
fn nested_loops(levels: usize, items: &str, fragment: &str) -> String {
    let mut text = String::new();
    for level in 0..levels {
        let items = items.replace("@", &level.saturating_sub(1).to_string());
        write!(text, r#""Fn::ForEach::L{level}": ["V{level}", {items}, {{"#).unwrap();
    }
    text + fragment + &"}]".repeat(levels)
}

#[test]
fn loops_end() {
    let limit = "the loops of this template make more than 200000 values, or 64 MiB of text";
    let resource = r#""R${V0}": {"Type": "T"}"#;
    // Items that double, more iterations than values, and values that multiply.
    for resources in [
        nested_loops(30, r#"["xx${V@}${V@}"]"#, resource),
        nested_loops(20, r#"["a","b","c","d"]"#, ""),
        nested_loops(10, r#"["a","b","c","d","e","f","g","h"]"#, resource),
    ] {
        let errors = loop_errors(&resources);
        let found = errors.lines().filter(|line| line.ends_with(limit)).count();
        assert_eq!(found, 1, "{}", errors.lines().next().unwrap_or_default());
    }
}
