//! A template with the values of its parameters in it, for diagrams.

use std::collections::BTreeMap;

use cfn::Template;
use cfn::evaluate::{Context, Evaluated, Evaluator, NothingKnown, StackInput};
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

/// The template with its functions evaluated as far as they are known from these values of parameters, the defaults of
/// others, and mappings: without resources whose condition is false, and with its loops carried out. References to
/// resources stay.
#[must_use]
pub fn resolve_parameters(template: &Template, given: &BTreeMap<String, String>) -> Template {
    let values = template.parameters.iter().filter_map(|(name, parameter)| {
        let default = || parameter.default.as_ref().map(cfn::evaluate::scalar_text);
        // The name of a parameter of Systems Manager is not its value.
        let is_known = !parameter.kind.starts_with("AWS::SSM::");
        let text = given.get(name).cloned().or_else(default).filter(|_| is_known)?;
        Some((name.clone(), parameter.value_from_text(&text)))
    });
    let values: BTreeMap<String, Json> = values.collect();
    let expanded = with_stack(template, &values, |evaluator| {
        let stack = evaluator.stacks().next()?;
        stack.expand_loops(&mut Context::new(&mut Diagnostics::new()))
    });
    let template = expanded.as_ref().unwrap_or(template);
    with_stack(template, &values, |evaluator| {
        let mut resolved = template.clone();
        let Some(stack) = evaluator.stacks().next() else {
            return resolved;
        };
        let mut errors = Diagnostics::new();
        let mut context = Context::new(&mut errors);
        let existing: Vec<&str> = stack.resources(&mut context).into_iter().map(|(id, _)| id).collect();
        resolved.resources.retain(|id, _| existing.contains(&id.as_str()));
        for (id, resource) in &mut resolved.resources {
            let path = format!("{}.Properties", stack.resource_path(id));
            let properties = stack.evaluate(&resource.properties, &path, &mut context);
            resource.properties =
                properties.map_or_else(|| Json::Object(Default::default()), Evaluated::into_expression);
        }
        resolved
    })
}

fn with_stack<T>(template: &Template, values: &BTreeMap<String, Json>, read: impl FnOnce(&Evaluator<'_>) -> T) -> T {
    let stack = StackInput {
        name: "",
        template,
        parameters: values.clone(),
    };
    read(&Evaluator::with_stacks([stack], NothingKnown, &mut Diagnostics::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_mappings_and_conditions_are_resolved_and_references_stay() {
        let template = Template::from_text(
            "
Parameters: {Stage: {Type: String, Default: test}, Name: {Type: String}}
Mappings: {Counts: {test: {web: 2}, live: {web: 5}}}
Conditions: {IsLive: !Equals [!Ref Stage, live]}
Resources:
  Cluster: {Type: AWS::ECS::Cluster}
  Spare: {Type: AWS::ECS::Service, Condition: IsLive}
  Web:
    Type: AWS::ECS::Service
    Properties: {Cluster: !Ref Cluster, DesiredCount: !FindInMap [Counts, !Ref Stage, web], ServiceName: !Ref Name}
",
        );
        let template = template.expect("a template");
        let resolved = resolve_parameters(&template, &BTreeMap::new());
        let expected = serde_json::json!({
            "Cluster": {"Ref": "Cluster"}, "DesiredCount": 2, "ServiceName": {"Ref": "Name"}
        });
        assert_eq!(resolved.resources["Web"].properties, expected);
        assert!(!resolved.resources.contains_key("Spare"));
        let live = BTreeMap::from([("Stage".to_owned(), "live".to_owned())]);
        assert!(resolve_parameters(&template, &live).resources.contains_key("Spare"));
    }
}
