//! Values that Systems Manager and Secrets Manager keep.

use super::*;

/// Knows one secret.
#[derive(Debug)]
struct Keeper;

impl Resolver for Keeper {
    fn dynamic_reference(
        &self,
        _: StackScope<'_>,
        reference: &DynamicReference,
        _: &mut Context<'_>,
    ) -> Option<Resolution> {
        Some(match reference.json_key.as_deref() {
            Some("password") => Resolution::Known(json!("hunter2")),
            _ => Resolution::Unknown,
        })
    }

    fn ssm_parameter(&self, _: StackScope<'_>, name: &str) -> Resolution {
        match name {
            "/outside" => Resolution::Known(json!("a, b")),
            _ => Resolution::Unknown,
        }
    }
}

fn evaluate_with(resolver: impl Resolver, value: &Json) -> (Evaluated, String) {
    let base = Template::from_text(
        "
Parameters: {Host: {Type: 'AWS::SSM::Parameter::Value<String>'}}
Resources:
  Host: {Type: AWS::SSM::Parameter, Properties: {Name: /db/host, Type: String, Value: db.local}}
  Plain: {Type: AWS::SSM::Parameter, Properties: {Name: /db/port, Type: String, Value: 5432}}
  Odd: {Type: AWS::SSM::Parameter, Properties: {Name: !Ref Host, Type: String, Value: x}}
",
    );
    let base = base.expect("a template");
    let app = Template::from_text(
        "
Parameters:
  Port: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /db/port}
  List: {Type: 'AWS::SSM::Parameter::Value<List<String>>'}
  Gone: {Type: 'AWS::SSM::Parameter::Value<String>'}
Resources: {}
",
    );
    let app = app.expect("a template");
    let stack = |name, template, parameters: &[(&str, &str)]| StackInput {
        name,
        template,
        parameters: parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect(),
    };
    let given = [("Port", "/db/port"), ("List", "/outside"), ("Gone", "/gone")];
    let stacks = [
        stack("app", &app, &given),
        stack("base", &base, &[("Host", "/elsewhere")]),
    ];
    let mut diagnostics = Diagnostics::new();
    let evaluator = Evaluator::with_stacks(stacks, resolver, &mut diagnostics);
    let app = evaluator.stacks().next().expect("two stacks");
    let value = app.evaluate(value, "P", &mut Context::new(&mut diagnostics));
    (value.expect("a value"), diagnostics.to_string())
}

#[test]
fn references_are_resolved_after_functions() {
    for (value, expected) in [
        (json!("{{resolve:ssm:/db/port}}"), json!("5432")),
        (json!({"Fn::Sub": "x:{{resolve:ssm:/db/port:1}}!"}), json!("x:5432!")),
        (
            json!({"Fn::Join": ["", ["{{resolve:ssm:/db/", "port}}"]]}),
            json!("5432"),
        ),
        (
            json!("{{resolve:secretsmanager:db:SecretString:password}}"),
            json!("hunter2"),
        ),
        (
            json!("{{resolve:other:x}} {{resolve:ssm:x"),
            json!("{{resolve:other:x}} {{resolve:ssm:x"),
        ),
        (json!({"Ref": "Port"}), json!("5432")),
        (json!({"Ref": "List"}), json!(["a", "b"])),
    ] {
        let (found, errors) = evaluate_with(Keeper, &value);
        assert_eq!((found, errors.as_str()), (Evaluated::Known(expected), ""), "{value}");
    }
}

#[test]
fn what_no_stack_declares_is_unknown() {
    for (value, reference) in [
        (json!("{{resolve:ssm:/gone:2}}"), "resolve:ssm:/gone:2"),
        (
            json!({"Fn::Sub": "a-{{resolve:ssm-secure:/gone}}"}),
            "resolve:ssm-secure:/gone",
        ),
        (json!({"Ref": "Gone"}), "ssm:/gone"),
    ] {
        let (found, errors) = evaluate_with(Keeper, &value);
        let unknown = found.into_known().expect_err("unknown");
        assert_eq!(unknown.reason(), &Reason::Unresolved(reference.to_owned()), "{value}");
        assert_eq!(errors, "", "{value}");
    }
}

#[test]
fn without_a_resolver_references_are_text() {
    let text = json!("{{resolve:ssm:/db/port}}");
    assert_eq!(evaluate_with(NothingKnown, &text).0, Evaluated::Known(text));
}
