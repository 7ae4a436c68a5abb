//! Nested stacks: parameters from the parent, outputs to it.

use super::*;

/// The value in the parent, or in the child, and the errors.
fn evaluate_in(index: usize, value: &Json, condition: &str) -> (String, String) {
    let parent = Template::from_text(&format!(
        "
Parameters: {{Size: {{Type: String}}}}
Conditions: {{Holds: !Equals [1, {condition}]}}
Resources:
  Blue: {{Type: AWS::ECS::Service}}
  Api:
    Type: AWS::CloudFormation::Stack
    Condition: Holds
    Properties:
      Parameters: {{Name: !GetAtt Blue.Name, Sizes: 'a,b', Loop: !GetAtt Api.Outputs.Loop, Size: !Ref Size}}
"
    ));
    let parent = parent.expect("a template");
    let child = Template::from_text(
        "
Parameters:
  Name: {Type: String}
  Sizes: {Type: CommaDelimitedList}
  Loop: {Type: String}
  Size: {Type: String}
  Unset: {Type: String, Default: x}
Resources: {Inner: {Type: AWS::ECS::Cluster}}
Outputs:
  Url: {Value: !Sub 'http://${Name}/${Unset}'}
  Loop: {Value: !Ref Loop}
  Size: {Value: !Ref Size}
",
    );
    let child = child.expect("a template");
    let stack = |name, template, parameters: &[(&str, &str)]| StackInput {
        name,
        template,
        parameters: parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect(),
    };
    let stacks = [
        stack("shop", &parent, &[]),
        stack("shop-Api", &child, &[("Unset", "x")]),
    ];
    let nesting = Nesting {
        parent: 0,
        logical_id: "Api".to_owned(),
        child: 1,
    };
    let mut diagnostics = Diagnostics::new();
    let evaluator = Evaluator::with_nested_stacks(stacks, vec![nesting], Little, &mut diagnostics);
    let scope = evaluator.stacks().nth(index).expect("two stacks");
    let mut context = Context::new(&mut diagnostics);
    let value = scope.evaluate(value, "P", &mut context).expect("a value").to_string();
    let inner = evaluator
        .stacks()
        .nth(1)
        .expect("two stacks")
        .resources(&mut context)
        .len();
    assert_eq!(inner, usize::from(condition == "1"));
    (value, diagnostics.to_string())
}

#[test]
fn parameters_come_from_the_parent_and_outputs_go_to_it() {
    for (index, value, expected) in [
        (1, json!({"Ref": "Name"}), "blue"),
        (1, json!({"Fn::Select": [1, {"Ref": "Sizes"}]}), "b"),
        (1, json!({"Ref": "Unset"}), "x"),
        (0, json!({"Fn::GetAtt": ["Api", "Outputs.Url"]}), "http://blue/x"),
        (0, json!({"Fn::Sub": "${Api.Outputs.Url}/y"}), "http://blue/x/y"),
        // Unknown in the parent: each stack has an expression of its own.
        (1, json!({"Ref": "Size"}), "${Size}"),
        (0, json!({"Fn::GetAtt": ["Api", "Outputs.Size"]}), "${Api.Outputs.Size}"),
    ] {
        assert_eq!(
            evaluate_in(index, &value, "1"),
            (expected.to_owned(), String::new()),
            "{value}"
        );
    }
}

#[test]
fn errors_of_nested_stacks_are_reported() {
    let (_, errors) = evaluate_in(0, &json!({"Fn::GetAtt": ["Api", "Outputs.Urls"]}), "1");
    assert_eq!(
        errors,
        "P: the nested stack `Api` has no output `Urls`; did you mean Url?"
    );
    let (_, errors) = evaluate_in(0, &json!({"Fn::GetAtt": ["Api", "Outputs.Loop"]}), "1");
    assert!(errors.contains("depends on itself"), "{errors}");
    let (_, errors) = evaluate_in(0, &json!({"Fn::GetAtt": ["Api", "Outputs.Url"]}), "2");
    assert_eq!(
        errors,
        "P: refers to `Api`, which does not exist: its condition is false"
    );
}
