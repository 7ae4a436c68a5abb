//! `AWS::LanguageExtensions`: loops, defaults of mappings, functions as names.

use super::*;

/// The document of the template after its loops, and the errors.
fn expand(text: &str) -> (Json, String) {
    let template = Template::from_text(text).expect("a template");
    let parameters = [("Names".to_owned(), json!(["blue", "green"]))].into();
    let stack = StackInput {
        name: "demo",
        template: &template,
        parameters,
    };
    let mut diagnostics = Diagnostics::new();
    let evaluator = Evaluator::with_stacks([stack], Little, &mut diagnostics);
    let stack = evaluator.stacks().next().expect("one stack");
    let expanded = stack.expand_loops(&mut Context::new(&mut diagnostics));
    let expanded = expanded.unwrap_or_else(|| template.clone());
    (expanded.to_document(), diagnostics.to_string())
}

#[test]
fn a_loop_makes_resources_for_each_item() {
    let (document, errors) = expand(
        "
Transform: AWS::LanguageExtensions
Mappings: {Ports: {orders: {Http: 8081}, users: {Http: 8082}}}
Resources:
  Cluster: {Type: AWS::ECS::Cluster}
  Fn::ForEach::Services:
    - Name
    - [orders, users]
    - Task${Name}:
        Type: AWS::ECS::TaskDefinition
        Properties: {Family: !Sub 'app-${Name}-${AWS::Region}', Port: !FindInMap [Ports, !Ref Name, Http]}
      Service${Name}: {Type: AWS::ECS::Service, Properties: {TaskDefinition: {Ref: !Sub 'Task${Name}'}}}
Outputs:
  Fn::ForEach::Names: [Name, [orders, users], {'Name${Name}': {Value: !Ref Name}}]
",
    );
    assert_eq!(errors, "");
    let task = |name: &str| {
        json!({"Type": "AWS::ECS::TaskDefinition", "Properties": {
            "Family": {"Fn::Sub": format!("app-{name}-${{AWS::Region}}")},
            "Port": {"Fn::FindInMap": ["Ports", name, "Http"]}}})
    };
    let service = |name: &str| {
        let task = json!({"Ref": {"Fn::Sub": format!("Task{name}")}});
        json!({"Type": "AWS::ECS::Service", "Properties": {"TaskDefinition": task}})
    };
    assert_eq!(
        document["Resources"],
        json!({
            "Cluster": {"Type": "AWS::ECS::Cluster"},
            "Taskorders": task("orders"), "Serviceorders": service("orders"),
            "Taskusers": task("users"), "Serviceusers": service("users")
        })
    );
    let outputs = json!({"Nameorders": {"Value": "orders"}, "Nameusers": {"Value": "users"}});
    assert_eq!(document["Outputs"], outputs);
}

#[test]
fn loops_nest_and_occur_in_properties_and_conditions() {
    let (document, errors) = expand(
        "
Transform: [AWS::LanguageExtensions]
Parameters: {Names: {Type: CommaDelimitedList}}
Conditions:
  Fn::ForEach::Are: [Name, !Ref Names, {'Is${Name}': !Equals [!Ref Name, blue]}]
Resources:
  Fn::ForEach::Sides:
    - Side
    - !Ref Names
    - Fn::ForEach::Zones:
        - Zone
        - ['eu-1', 'eu-2']
        - 'Queue${Side}&{Zone}': {Type: AWS::SQS::Queue, Properties: {QueueName: '${Side}.${Zone}'}}
  Topic:
    Type: AWS::SNS::Topic
    Properties: {Fn::ForEach::Tags: [Tag, [A, B], {'${Tag}': 1}]}
",
    );
    assert_eq!(errors, "");
    let conditions = document["Conditions"].as_object().expect("conditions");
    assert_eq!(conditions["Isgreen"], json!({"Fn::Equals": ["green", "blue"]}));
    let resources = document["Resources"].as_object().expect("resources");
    let names: Vec<&String> = resources.keys().collect();
    assert_eq!(
        names,
        [
            "Topic",
            "Queueblueeu1",
            "Queueblueeu2",
            "Queuegreeneu1",
            "Queuegreeneu2"
        ]
    );
    assert_eq!(
        resources["Queuegreeneu2"]["Properties"]["QueueName"],
        json!("green.eu-2")
    );
    assert_eq!(resources["Topic"]["Properties"], json!({"A": 1, "B": 1}));
}

#[test]
fn errors_of_loops_have_their_path() {
    let resources =
        |value: &str| format!("Transform: AWS::LanguageExtensions\nResources:\n  Fn::ForEach::A: {value}\n");
    let fragment = "{'X${N}': {Type: 'A::B::C'}}";
    for (text, expected) in [
        (
            resources("[N, [a]]"),
            "Resources.Fn::ForEach::A: Fn::ForEach requires an identifier, a collection and an object",
        ),
        (
            resources(&format!("[N, text, {fragment}]")),
            "Resources.Fn::ForEach::A[1]: the collection of Fn::ForEach is \"text\"; allowed is a list",
        ),
        (
            resources("[N, [a, b], {X: {Type: 'A::B::C'}}]"),
            "Resources.Fn::ForEach::A: Fn::ForEach makes `X` twice",
        ),
        (
            resources("[N, !Ref Gone, {'X${N}': {Type: 'A::B::C'}}]"),
            "Resources.Fn::ForEach::A[1]: refers to `Gone`",
        ),
        (
            format!("Resources: {{Fn::ForEach::A: [N, [a], {fragment}]}}"),
            "Transform: Fn::ForEach requires the macro AWS::LanguageExtensions",
        ),
    ] {
        let (_, errors) = expand(&text);
        assert!(errors.starts_with(expected), "{text}: {errors}");
    }
}

#[test]
fn nested_loops_come_to_an_end() {
    let items = (0..100).map(|number| number.to_string()).collect::<Vec<_>>().join(", ");
    let mut fragment = "{'X${A}${B}${C}${D}': {Type: 'A::B::C'}}".to_owned();
    for name in ["D", "C", "B", "A"] {
        fragment = format!("{{Fn::ForEach::{name}: [{name}, [{items}], {fragment}]}}");
    }
    let (_, errors) = expand(&format!("Transform: AWS::LanguageExtensions\nResources: {fragment}"));
    assert!(errors.contains("make more than 200000 values"), "{errors}");
}

#[test]
fn a_mapping_may_have_a_default() {
    let find = |keys: Json, default: Json| {
        let mut keys = keys;
        let options = json!({"DefaultValue": default});
        keys.as_array_mut().expect("a list").push(options);
        json!({ "Fn::FindInMap": keys })
    };
    for (expression, expected) in [
        (find(json!(["Sizes", "live", "Cpu"]), json!("1")), json!("1")),
        (
            find(json!(["Gone", "live", "Cpu"]), json!({"Ref": "Stage"})),
            json!("test"),
        ),
        // Not needed, and not evaluated.
        (
            find(json!(["Sizes", "test", "Cpu"]), json!({"Ref": "Nothing"})),
            json!(256),
        ),
    ] {
        let (value, errors) = evaluate(&expression);
        assert_eq!(
            (value, errors.as_str()),
            (Evaluated::Known(expected), ""),
            "{expression}"
        );
    }
    let (value, errors) = evaluate(&find(json!(["Sizes", {"Ref": "Size"}, "Cpu"]), json!(1)));
    assert_eq!(
        (value.to_string().contains("DefaultValue"), errors.as_str()),
        (true, "")
    );
    let (_, errors) = evaluate(&json!({"Fn::FindInMap": ["Size", "test", "Cpu"]}));
    assert_eq!(
        errors,
        "P: Fn::FindInMap: no entry Size / test / Cpu; did you mean Sizes?"
    );
}

#[test]
fn names_may_come_from_functions() {
    for (expression, expected) in [
        (json!({"Ref": {"Fn::Sub": "Stag${!}e"}}), None),
        (json!({"Ref": {"Fn::Join": ["", ["St", "age"]]}}), Some(json!("test"))),
        (
            json!({"Fn::GetAtt": [{"Fn::Join": ["", ["Bl", "ue"]]}, "Name"]}),
            Some(json!("blue")),
        ),
    ] {
        let (value, _) = evaluate(&expression);
        assert_eq!(value.known(), expected.as_ref(), "{expression}");
    }
}
