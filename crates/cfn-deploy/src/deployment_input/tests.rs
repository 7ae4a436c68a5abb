//! Validation before any call.

use aws_sdk_cloudformation::types::{Capability, Parameter, Stack};
use serde_json::json;

use super::*;
use crate::deployed_stack::read;

fn template(document: &Json) -> Template {
    Template::from_json(&document.to_string()).expect("a template")
}

fn input(document: &Json) -> DeploymentInput {
    DeploymentInput::new("demo", template(document))
}

fn diagnostics(input: &DeploymentInput) -> String {
    input.check().expect_err("problems").to_string()
}

fn resources(count: usize, value: &str) -> Json {
    let resources: serde_json::Map<String, Json> = (0..count)
        .map(|number| {
            let properties = json!({"Type": "String", "Value": value});
            (
                format!("P{number}"),
                json!({"Type": "AWS::SSM::Parameter", "Properties": properties}),
            )
        })
        .collect();
    Json::Object(resources)
}

#[test]
fn all_violations_of_names_and_limits_are_reported() {
    let outputs: serde_json::Map<String, Json> = (0..201).map(|n| (format!("O{n}"), json!({"Value": "x"}))).collect();
    let document = json!({"Description": "x".repeat(1025), "Resources": resources(501, ""), "Outputs": outputs});
    let found = diagnostics(&DeploymentInput {
        stack: "1 stack".to_owned(),
        ..input(&document)
            .with_tag("aws:mine", "x")
            .with_tag("Team", "x".repeat(257))
    });
    for part in [
        "StackName: is `1 stack`; allowed are",
        "Resources: has 501 entries; allowed are 500",
        "Outputs: has 201 entries; allowed are 200",
        "Description: has 1025 bytes",
        "Tags.aws:mine: begins with `aws:`",
        "Tags.Team: allowed are values of up to 256 characters",
    ] {
        assert!(found.contains(part), "{part}: {found}");
    }
    let empty = diagnostics(&input(&json!({"Resources": {}})));
    assert!(empty.contains("at least one resource"), "{empty}");
}

#[test]
fn the_body_is_compact_text_an_upload_or_a_url() {
    let medium = input(&json!({"Resources": resources(300, &"x".repeat(60))}));
    assert!(medium.template.to_json().len() > 51_200);
    let Ok(Body::Text(sent)) = body(&medium) else {
        panic!("not sent")
    };
    assert!(sent.len() <= 51_200 && !sent.contains('\n'), "{}", sent.len());
    assert_eq!(Template::from_json(&sent).unwrap(), medium.template);

    let large = input(&json!({"Resources": resources(300, &"x".repeat(200))}));
    let text = large.template.to_compact_json();
    assert_eq!(body(&large), Ok(Body::Upload(text)));
    assert!(large.check().is_ok());
    let url = "https://b.s3.eu-west-1.amazonaws.com/k";
    let placed = large.with_template_at(url);
    assert_eq!(body(&placed), Ok(Body::Url(url.to_owned())));
    assert!(placed.check().is_ok());

    let huge = diagnostics(&input(&json!({"Resources": resources(500, &"x".repeat(2000))})));
    assert!(huge.contains("divide it into several stacks"), "{huge}");
}

#[test]
fn capabilities_match_the_template() {
    let with = |kind: &str, properties: Json| {
        let document = json!({"Resources": {"R": {"Type": kind, "Properties": properties}}});
        capabilities(&template(&document))
    };
    assert_eq!(with("AWS::SSM::Parameter", json!({"Name": "x"})), None);
    // The contents of these are unknown.
    let nested = with(
        "AWS::CloudFormation::Stack",
        json!({"TemplateURL": "https://b.s3.amazonaws.com/k"}),
    );
    assert_eq!(nested, Some(Capability::CapabilityNamedIam));
    let serverless = json!({"Transform": "AWS::Serverless-2016-10-31", "Resources": resources(1, "")});
    assert_eq!(
        capabilities(&template(&serverless)),
        Some(Capability::CapabilityNamedIam)
    );
    assert_eq!(with("AWS::IAM::Role", json!({})), Some(Capability::CapabilityIam));
    assert_eq!(
        with("AWS::IAM::Policy", json!({"PolicyName": "x"})),
        Some(Capability::CapabilityIam)
    );
    assert_eq!(
        with("AWS::IAM::Role", json!({"RoleName": "x"})),
        Some(Capability::CapabilityNamedIam)
    );
    assert_eq!(
        with("AWS::IAM::ManagedPolicy", json!({"ManagedPolicyName": "x"})),
        Some(Capability::CapabilityNamedIam)
    );
}

fn parameters(default: Option<&str>) -> Template {
    let mut parameter = json!({"Type": "String"});
    if let Some(default) = default {
        parameter["Default"] = default.into();
    }
    template(&json!({"Parameters": {"P": parameter}, "Resources": resources(1, "")}))
}

fn deployed(value: &str) -> DeployedStack {
    let parameter = Parameter::builder().parameter_key("P").parameter_value(value).build();
    read(Stack::builder().stack_name("demo").parameters(parameter).build())
}

#[test]
fn explicit_values_are_kept_and_defaults_follow_the_template() {
    use ParameterValue::{Default, Given, Kept};
    let kept = |value: &str| Some(Kept(Some(value.to_owned())));
    // Value now; deployed value and the default then; the default now; the expected value.
    let rows = [
        (Some("n"), None, None, Some(Given("n".to_owned()))),
        (
            Some("n"),
            Some(("o", Some("o"))),
            Some("d"),
            Some(Given("n".to_owned())),
        ),
        (None, None, Some("d"), Some(Default("d".to_owned()))),
        (None, Some(("o", None)), Some("d"), kept("o")),
        (None, Some(("o", Some("d"))), Some("d"), kept("o")),
        (None, Some(("o", Some("o"))), Some("d"), Some(Default("d".to_owned()))),
        (None, Some(("o", Some("o"))), None, kept("o")),
        (None, Some(("****", None)), None, Some(Kept(None))),
        (None, None, None, None),
    ];
    for (given, before, default, expected) in rows {
        let mut input = DeploymentInput::new("demo", parameters(default));
        if let Some(given) = given {
            input = input.with_parameter("P", given);
        }
        let before = before.map(|(value, default)| (deployed(value), parameters(default)));
        let values = input.values(before.as_ref().map(|(stack, template)| (stack, template)));
        let found = values.as_ref().ok().and_then(|values| values.get("P").cloned());
        assert_eq!(found, expected, "{given:?} {before:?} {default:?}");
        if let Err(diagnostics) = values {
            assert!(
                diagnostics.to_string().contains("Parameters.P: has no value"),
                "{diagnostics}"
            );
        }
    }
}

#[test]
fn unknown_parameters_and_disallowed_values_are_errors() {
    let document = json!({
        "Parameters": {"Size": {"Type": "String", "AllowedValues": ["s", "m"]}, "N": {"Type": "Number", "AllowedValues": [1]}},
        "Resources": resources(1, ""),
    });
    let bad = input(&document)
        .with_parameter("Size", "xl")
        .with_parameter("N", "1")
        .with_parameter("Sise", "s");
    let found = diagnostics(&bad);
    assert!(found.contains("Parameters.Size: is `xl`; allowed are s, m"), "{found}");
    assert!(
        found.contains("Parameters.Sise: the template has no such parameter; it has Size, N"),
        "{found}"
    );
    assert!(!found.contains("Parameters.N"), "{found}");
}
