//! Stacks that import from each other.

use super::*;

/// The value of `{"Fn::ImportValue": "x"}` in stack `app`, and the errors, given the outputs of stack `base`.
fn import(outputs: Json) -> (Evaluated, String) {
    let base = json!({
        "Conditions": {"Never": {"Fn::Equals": [1, 2]}},
        "Resources": {"Blue": {"Type": "AWS::ECS::Service"}},
        "Outputs": outputs
    });
    let base = Template::from_json(&base.to_string()).expect("a template");
    let app = Template::default();
    let stack = |name, template| StackInput {
        name,
        template,
        parameters: Default::default(),
    };
    let mut diagnostics = Diagnostics::new();
    let stacks = [stack("app", &app), stack("base", &base)];
    let evaluator = Evaluator::with_stacks(stacks, Little, &mut diagnostics);
    let app = evaluator.stacks().next().expect("two stacks");
    let value = app.evaluate(
        &json!({"Fn::ImportValue": "x"}),
        "P",
        &mut Context::new(&mut diagnostics),
    );
    evaluator.check_import_cycles(&mut diagnostics);
    (value.expect("a value"), diagnostics.to_string())
}

#[test]
fn imports_the_export_of_another_stack() {
    let output = |value: Json| json!({"A": {"Value": value, "Export": {"Name": "x"}}});
    let (value, errors) = import(output(json!({"Fn::GetAtt": ["Blue", "Name"]})));
    assert_eq!((value.to_string(), errors), ("blue".to_owned(), String::new()));

    // Known only once deployed: the expression is that of the importing stack.
    let (value, errors) = import(output(json!({"Fn::GetAtt": ["Blue", "Arn"]})));
    assert_eq!(errors, "");
    assert_eq!(value.into_expression(), json!({"Fn::ImportValue": "x"}));
}

#[test]
fn an_export_of_no_stack_is_a_question_to_the_resolver() {
    for outputs in [
        json!({}),
        json!({"A": {"Value": 1, "Export": {"Name": "x"}, "Condition": "Never"}}),
    ] {
        let (value, errors) = import(outputs);
        assert_eq!(errors, "");
        let unknown = value.into_known().expect_err("unknown");
        assert_eq!(unknown.reason(), &Reason::Unresolved("x".to_owned()));
    }
}
