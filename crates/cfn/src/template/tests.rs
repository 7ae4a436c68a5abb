//! Reading, errors and writing of templates.

use super::*;
use serde_json::json;

fn error_of(document: &str) -> String {
    Template::from_json(document).unwrap_err().to_string()
}

#[test]
fn writes_back_everything_it_reads() {
    let document = json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "a mesh",
        "Transform": "AWS::LanguageExtensions",
        "Metadata": {"tool": "manual"},
        "Parameters": {"Count": {"Type": "Number", "Default": 2, "AllowedValues": [1, 2], "MinValue": 1}},
        "Mappings": {"M": {"a": {"b": "c"}}},
        "Conditions": {"Big": {"Fn::Equals": [{"Ref": "Count"}, 2]}},
        "Resources": {
            "Topic": {
                "Type": "AWS::SNS::Topic",
                "Condition": "Big",
                "DependsOn": ["Queue"],
                "Properties": {"TopicName": "t"},
                "Metadata": {"x": 1},
                "UpdateReplacePolicy": "Retain",
                "DeletionPolicy": "Retain",
                "UpdatePolicy": {"UseOnlineResharding": true}
            },
            "Queue": {"Type": "AWS::SQS::Queue"}
        },
        "Outputs": {"Topic": {"Condition": "Big", "Value": {"Ref": "Topic"}, "Export": {"Name": "topic"}}}
    });
    let template = Template::from_json(&document.to_string()).unwrap();
    assert_eq!(template.to_json(), format!("{document:#}\n"));
}

#[test]
fn reads_one_dependency_or_a_list() {
    let template = Template::from_json(r#"{"Resources": {"A": {"Type": "T", "DependsOn": "B"}}}"#).unwrap();
    assert_eq!(template.resources["A"].depends_on, ["B"]);
}

#[test]
fn yaml_and_json_are_equivalent() {
    let yaml = "Resources:\n  A:\n    Type: T\n    Properties: {Name: !Sub '${AWS::StackName}-a'}\n";
    let json = r#"{"Resources": {"A": {"Type": "T", "Properties": {"Name": {"Fn::Sub": "${AWS::StackName}-a"}}}}}"#;
    assert_eq!(Template::from_text(yaml).unwrap(), Template::from_text(json).unwrap());
}

#[test]
fn syntax_errors_have_line_and_column() {
    let error = Template::from_json("{\n  \"Resources\": [,]\n}").unwrap_err();
    assert_eq!(error.to_string(), "the template is not JSON: line 2, column 17");
    let source = std::error::Error::source(&error).expect("the parser's error");
    assert!(source.to_string().starts_with("expected value"), "{source}");
    let error = Template::from_text("Resources:\n  Blue: [\n").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the template cannot be read as YAML: line 2, column 9"),
        "{error}"
    );
}

#[test]
fn structural_errors_have_a_path() {
    for (document, message) in [
        ("[]", "the template: is a list; allowed is an object"),
        (r#"{"Resources": 3}"#, "Resources: is 3; allowed is an object"),
        (r#"{"Resources": {"Blue": {}}}"#, "Resources.Blue: has no Type"),
        (
            r#"{"Resources": {"Blue": {"Type": 3}}}"#,
            "Resources.Blue.Type: is 3; allowed is a string",
        ),
        (
            r#"{"Resources": {"Blue": {"Type": "T", "DependsOn": [3]}}}"#,
            "Resources.Blue.DependsOn: contains 3; allowed is a logical id or a list of them",
        ),
        (
            r#"{"Resources": {"Blue": {"Type": "T", "Properties": []}}}"#,
            "Resources.Blue.Properties: is a list; allowed is an object",
        ),
        (r#"{"Outputs": {"X": {}}}"#, "Outputs.X: has no Value"),
        (r#"{"Parameters": {"X": {}}}"#, "Parameters.X: has no Type"),
        (
            r#"{"AWSTemplateFormatVersion": "2026-01-01"}"#,
            "AWSTemplateFormatVersion: is \"2026-01-01\"; allowed is \"2010-09-09\"",
        ),
    ] {
        assert_eq!(error_of(document), message);
    }
    assert!(error_of(r#"{"Resource": {}}"#).starts_with("Resource: is not a section of a template"));
}
