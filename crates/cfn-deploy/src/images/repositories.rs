//! Repositories in ECR that a deployment or a pull creates. Pure.

use std::collections::BTreeMap;

use cfn::evaluate::Context;
use sidecar_contract::Diagnostics;

use crate::account_values::evaluator;
use crate::deployment_input::DeploymentInput;

/// The usual prefixes of pull-through cache rules, one per upstream registry, decided by us. Upstream registries: ECR user
/// guide, "Sync an upstream registry with an Amazon ECR private registry" (read 2026-11-30).
const CACHE_PREFIXES: [&str; 8] = [
    "azure",
    "chainguard",
    "docker-hub",
    "ecr-public",
    "github",
    "gitlab",
    "kubernetes",
    "quay",
];

/// The names of the repositories that stacks of a deployment contain, with the stack. A name that CloudFormation chooses is
/// left out.
pub(super) fn declared<'i>(inputs: &'i [DeploymentInput], account: &str, region: &str) -> BTreeMap<String, &'i str> {
    let mut repositories = BTreeMap::new();
    for input in inputs {
        let evaluator = evaluator(input.template(), &input.parameters, account, region);
        let mut diagnostics = Diagnostics::new();
        let mut context = Context::new(&mut diagnostics);
        // Without resources whose condition is false.
        let resources = evaluator.stacks().flat_map(|stack| stack.resources(&mut context));
        for (_, resource) in resources.filter(|(_, resource)| resource.kind == "AWS::ECR::Repository") {
            let name = resource.properties.get("RepositoryName");
            if let Some(name) = name.and_then(|name| evaluator.evaluate(name).text()) {
                repositories.insert(name, input.stack());
            }
        }
    }
    repositories
}

/// Whether the name is that of a pull-through cache by convention, so that a pull may add an image that is missing.
pub(super) fn may_be_cache(repository: &str) -> bool {
    let prefix = repository.split_once('/').map(|(prefix, _)| prefix);
    prefix.is_some_and(|prefix| CACHE_PREFIXES.contains(&prefix))
}

#[cfg(test)]
mod tests {
    use cfn::Template;
    use serde_json::json;

    use super::*;

    #[test]
    fn repositories_are_declared_by_name_unless_their_condition_is_false() {
        let repository = |name| json!({"Type": "AWS::ECR::Repository", "Properties": {"RepositoryName": name}});
        let mut excluded = repository(json!("team/excluded"));
        excluded["Condition"] = json!("Never");
        let template = json!({
            "Parameters": {"Team": {"Type": "String", "Default": "red"}},
            "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}},
            "Resources": {
                "App": repository(json!("team/app")),
                "Other": repository(json!({"Fn::Sub": "${Team}/other"})),
                "Excluded": excluded,
                "Unnamed": {"Type": "AWS::ECR::Repository"},
            },
        });
        let template = Template::from_json(&template.to_string()).unwrap();
        let inputs = [DeploymentInput::new("images", template)];
        let expected = BTreeMap::from([("team/app".to_owned(), "images"), ("red/other".to_owned(), "images")]);
        assert_eq!(declared(&inputs, "123456789012", "eu-west-1"), expected);
    }

    #[test]
    fn caches_are_recognised_by_the_first_part_of_the_name() {
        for (name, expected) in [
            ("ecr-public/docker/library/nginx", true),
            ("docker-hub/library/nginx", true),
            ("team/ecr-public", false),
            ("quay", false),
        ] {
            assert_eq!(may_be_cache(name), expected, "{name}");
        }
    }
}
