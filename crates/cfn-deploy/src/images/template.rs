//! The images that a template's task definitions use. Pure.

use std::collections::BTreeMap;

use cfn::Template;
use cfn::evaluate::Evaluator;
use serde_json::Value as Json;

use crate::account_values::evaluator;

/// An image, and the task definitions that use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UsedImage {
    pub(super) image: String,
    /// "Web (app), Jobs (app)".
    pub(super) used_by: String,
    /// The CPU architecture of the task definitions in OCI's names: `amd64`, `arm64`. `None` if it is unknown.
    pub(super) architecture: Option<String>,
}

/// The images of a template, each once per architecture. Images whose name is unknown before the deployment are left out.
pub(super) fn used_images(
    template: &Template,
    parameters: &BTreeMap<String, String>,
    account: &str,
    region: &str,
) -> Vec<UsedImage> {
    let evaluator = evaluator(template, parameters, account, region);
    let mut used: Vec<UsedImage> = Vec::new();
    let definitions = template
        .resources
        .iter()
        .filter(|(_, resource)| resource.kind == "AWS::ECS::TaskDefinition");
    for (id, definition) in definitions {
        let properties = &definition.properties;
        let architecture = architecture(&evaluator, properties);
        for container in properties["ContainerDefinitions"].as_array().into_iter().flatten() {
            let Some(image) = evaluator.evaluate(&container["Image"]).text() else {
                continue;
            };
            let name = container["Name"].as_str().unwrap_or("?");
            let by = format!("{id} ({name})");
            let known = used
                .iter_mut()
                .find(|used| used.image == image && used.architecture == architecture);
            match known {
                Some(known) => known.used_by.push_str(&format!(", {by}")),
                None => used.push(UsedImage {
                    image,
                    used_by: by,
                    architecture: architecture.clone(),
                }),
            }
        }
    }
    used
}

/// `X86_64` is the default of Fargate. Elsewhere the instances decide, whose architecture the template does not have.
fn architecture(evaluator: &Evaluator<'_>, properties: &Json) -> Option<String> {
    let name = match &properties["RuntimePlatform"]["CpuArchitecture"] {
        Json::Null if is_for_fargate(evaluator, properties) => "X86_64".to_owned(),
        Json::Null => return None,
        value => evaluator.evaluate(value).text()?,
    };
    match name.as_str() {
        "X86_64" => Some("amd64".to_owned()),
        "ARM64" => Some("arm64".to_owned()),
        _ => None,
    }
}

fn is_for_fargate(evaluator: &Evaluator<'_>, properties: &Json) -> bool {
    let mut names = properties["RequiresCompatibilities"].as_array().into_iter().flatten();
    names.any(|name| evaluator.evaluate(name).text().as_deref() == Some("FARGATE"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn images_are_evaluated_for_account_region_and_parameters() {
        let registry = "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}";
        let task = |platform: Json, containers: Json| {
            json!({"Type": "AWS::ECS::TaskDefinition",
                "Properties": {"RuntimePlatform": platform, "ContainerDefinitions": containers}})
        };
        let template = Template::from_json(
            &json!({
                "Parameters": {"Tag": {"Type": "String", "Default": "1"}, "Image": {"Type": "String"}},
                "Resources": {
                    "Web": task(json!({"CpuArchitecture": "ARM64"}), json!([
                        {"Name": "app", "Image": {"Fn::Sub": format!("{registry}/shop:${{Tag}}")}},
                        {"Name": "envoy", "Image": "envoy:1"},
                    ])),
                    "Jobs": task(json!({"CpuArchitecture": "ARM64"}), json!([
                        {"Name": "app", "Image": {"Fn::Sub": format!("{registry}/shop:${{Tag}}")}},
                        {"Name": "other", "Image": {"Ref": "Image"}},
                    ])),
                },
            })
            .to_string(),
        )
        .unwrap();
        let given = BTreeMap::from([("Tag".to_owned(), "2".to_owned())]);
        let used = used_images(&template, &given, "123456789012", "cn-north-1");
        let found: Vec<_> = used
            .iter()
            .map(|used| (used.image.as_str(), used.used_by.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                (
                    "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/shop:2",
                    "Web (app), Jobs (app)"
                ),
                ("envoy:1", "Web (envoy)"),
            ]
        );
        assert_eq!(used[0].architecture.as_deref(), Some("arm64"));
    }

    #[test]
    fn without_an_architecture_only_tasks_on_fargate_have_one() {
        let image = json!([{"Name": "app", "Image": "shop:1"}]);
        for (compatibilities, platform, expected) in [
            (json!(["FARGATE"]), json!({}), Some("amd64")),
            (
                json!(["EC2", "FARGATE"]),
                json!({"OperatingSystemFamily": "LINUX"}),
                Some("amd64"),
            ),
            (json!(["EC2"]), json!({}), None),
            (Json::Null, json!({}), None),
            (json!(["EC2"]), json!({"CpuArchitecture": "X86_64"}), Some("amd64")),
        ] {
            let properties = json!({
                "RequiresCompatibilities": compatibilities, "RuntimePlatform": platform, "ContainerDefinitions": image,
            });
            let resources = json!({"Web": {"Type": "AWS::ECS::TaskDefinition", "Properties": properties}});
            let template = Template::from_json(&json!({"Resources": resources}).to_string()).unwrap();
            let used = used_images(&template, &BTreeMap::new(), "123456789012", "eu-west-1");
            assert_eq!(used[0].architecture.as_deref(), expected, "{properties}");
        }
    }
}
