//! Undefined names where nothing here reads them. CloudFormation rejects such a template; here it runs, with a note.

use cfn::{ReferenceSite, Template, closest, rewrite_references};
use sidecar_contract::Diagnostics;

use super::PreparedStacks;

impl PreparedStacks {
    /// Finds references to names that do not exist, without those in `diagnostics`, as (path, note).
    pub(crate) fn undefined_names(&self, diagnostics: &Diagnostics) -> Vec<(String, String)> {
        let is_single = self.stacks.len() == 1;
        let mut notes = Vec::new();
        for stack in &self.stacks {
            let prefix = if is_single {
                String::new()
            } else {
                format!("{}/", stack.name)
            };
            if !has_macro(&stack.template) {
                notes.extend(undefined_in(&stack.template, &prefix));
            }
        }
        // Evaluation words some of them in another way.
        notes.retain(|(path, _)| !diagnostics.iter().any(|known| is_same_place(&known.path, path)));
        notes
    }
}

/// Whether a macro, or a loop that could not be expanded, may add what is referred to.
fn has_macro(template: &Template) -> bool {
    let transforms = template.transforms();
    let mut others = transforms.iter().filter(|name| **name != "AWS::LanguageExtensions");
    others.next().is_some() || !template.resource_loops.is_empty() || !template.output_loops.is_empty()
}

fn undefined_in(template: &Template, prefix: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let outputs = template.outputs.iter();
    let outputs = outputs.map(|(id, output)| (format!("Outputs.{id}.Condition"), output.condition.as_deref()));
    let resources = template.resources.iter();
    let resources =
        resources.map(|(id, resource)| (format!("Resources.{id}.Condition"), resource.condition.as_deref()));
    for (path, condition) in resources.chain(outputs) {
        if let Some(message) = condition.and_then(|condition| missing_condition(template, condition)) {
            found.push((path, message));
        }
    }
    for (id, resource) in &template.resources {
        for name in &resource.depends_on {
            if !template.resources.contains_key(name) {
                let hint = hint(name, template.resources.keys());
                found.push((
                    format!("Resources.{id}.DependsOn"),
                    format!("`{name}` is not a resource{hint}"),
                ));
            }
        }
    }
    // Rewrites nothing: one visitor knows where references are.
    rewrite_references(&mut template.clone(), &mut |path, site| {
        if let Some(message) = missing(template, site) {
            found.push((path.to_owned(), message));
        }
        None
    });
    let described = found.into_iter().map(|(path, message)| {
        let note = format!("{message}; CloudFormation rejects such a template, but nothing here reads this");
        (format!("{prefix}{path}"), note)
    });
    described.collect()
}

/// Whether one path is the other one or a part of it.
fn is_same_place(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() < other.len() {
        (one, other)
    } else {
        (other, one)
    };
    let rest = long.strip_prefix(short);
    // The path of a whole section or resource says nothing of its parts.
    rest.is_some_and(|rest| rest.is_empty() || (short.matches('.').count() > 2 && rest.starts_with(['.', '['])))
}

/// What a reference lacks; `None` if its target exists.
fn missing(template: &Template, site: ReferenceSite<'_>) -> Option<String> {
    match site {
        ReferenceSite::Id { logical_id: name, .. } if name.starts_with("AWS::") => None,
        ReferenceSite::Id {
            logical_id: name,
            attribute: None,
        } => {
            let exists = template.resources.contains_key(name) || template.parameters.contains_key(name);
            (!exists).then(|| {
                let hint = hint(name, template.parameters.keys().chain(template.resources.keys()));
                format!("refers to `{name}`, which is neither a parameter nor a resource{hint}")
            })
        }
        ReferenceSite::Id { logical_id: name, .. } => (!template.resources.contains_key(name)).then(|| {
            let hint = hint(name, template.resources.keys());
            format!("refers to `{name}`, which is not a resource{hint}")
        }),
        ReferenceSite::Condition(name) => missing_condition(template, name),
    }
}

fn missing_condition(template: &Template, name: &str) -> Option<String> {
    (!template.conditions.contains_key(name)).then(|| {
        let hint = hint(name, template.conditions.keys());
        format!("condition `{name}` does not exist{hint}")
    })
}

fn hint<'n>(name: &str, names: impl IntoIterator<Item = &'n String>) -> String {
    let closest = closest(name, names.into_iter().map(String::as_str));
    closest.map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StackInput;
    use crate::stack_environment::StackEnvironment;
    use std::collections::BTreeMap;

    fn notes(text: &str) -> Vec<String> {
        let template = Template::from_text(text).expect("a template");
        let parameters = BTreeMap::new();
        let input = StackInput {
            name: "shop",
            template: &template,
            parameters: &parameters,
        };
        let mut diagnostics = Diagnostics::new();
        let stacks = PreparedStacks::new(&[input], &StackEnvironment::default(), &mut diagnostics);
        let notes = stacks.undefined_names(&Diagnostics::new()).into_iter();
        let notes = notes.map(|(path, note)| format!("{path}: {}", note.rsplit_once("; ").expect("an explanation").0));
        notes.collect()
    }

    const USES: &str = "
Conditions:
  IsProduction: !Equals [!Ref Stage, prod]
Resources:
  Queue:
    Type: AWS::SQS::Queue
    DependsOn: Topic
    Condition: IsProd
    Properties:
      QueueName: !Sub '${AWS::StackName}-${Nme}-${!Literal}'
Outputs:
  Url: {Value: !Ref Queu, Condition: Never}
  Arn: {Value: !GetAtt Queues.Arn, Export: {Name: !Sub '${AWS::Region}-${Stage}'}}
";

    #[test]
    fn undefined_names_are_reported_wherever_they_are() {
        let expected = [
            "Resources.Queue.Condition: condition `IsProd` does not exist",
            "Outputs.Url.Condition: condition `Never` does not exist",
            "Resources.Queue.DependsOn: `Topic` is not a resource",
            "Conditions.IsProduction[0]: refers to `Stage`, which is neither a parameter nor a resource",
            "Resources.Queue.Properties.QueueName: refers to `Nme`, which is neither a parameter nor a resource",
            "Outputs.Url.Value: refers to `Queu`, which is neither a parameter nor a resource; did you mean `Queue`?",
            "Outputs.Arn.Value: refers to `Queues`, which is not a resource; did you mean `Queue`?",
            "Outputs.Arn.Export.Name: refers to `Stage`, which is neither a parameter nor a resource",
        ];
        assert_eq!(notes(USES), expected);
    }

    #[test]
    fn a_macro_may_define_any_name() {
        let found = notes(&format!("Transform: AWS::Serverless-2016-10-31\n{USES}"));
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn parts_of_a_reported_value_are_reported_once() {
        assert!(is_same_place("Resources.A.Properties.B", "Resources.A.Properties.B[0]"));
        assert!(is_same_place(
            "Resources.A.Properties.B[0]",
            "Resources.A.Properties.B[0]"
        ));
        assert!(!is_same_place("Resources.A.Properties.B", "Resources.A.Properties.Bc"));
        assert!(!is_same_place("Resources.A.Type", "Resources.A.DependsOn"));
        assert!(!is_same_place("Resources.A", "Resources.A.Properties.B"));
    }
}
