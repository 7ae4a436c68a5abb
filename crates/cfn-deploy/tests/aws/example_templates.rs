//! Deploys, compares and deletes the golden templates of mesh-infra's constructs.

use std::fs;
use std::path::Path;

use cfn::Template;
use cfn_deploy::DeploymentInput;

use crate::fixture::{AccountFixture, deploy};

/// The golden templates without App Mesh resources, which AWS no longer serves.
fn golden_templates() -> Vec<(String, Template)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../mesh-infra/tests/golden");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let template = Template::from_json(&fs::read_to_string(&path).unwrap()).unwrap();
        if !template
            .resources
            .values()
            .any(|resource| resource.kind.starts_with("AWS::AppMesh::"))
        {
            found.push((
                path.file_stem().unwrap().to_string_lossy().replace(['.', '_'], "-"),
                template,
            ));
        }
    }
    found
}

/// The number of resources that stay when their stack is deleted.
fn retained(template: &Template) -> usize {
    let policies = template.resources.values();
    let policies = policies.filter_map(|resource| resource.deletion_policy.as_ref()?.as_str());
    policies.filter(|policy| policy.starts_with("Retain")).count()
}

/// An input with a value for each parameter without a default.
fn input(stack: &str, template: &Template) -> DeploymentInput {
    let missing = template
        .parameters
        .iter()
        .filter(|(_, parameter)| parameter.default.is_none());
    missing.fold(
        DeploymentInput::new(stack, template.clone()),
        |input, (name, parameter)| {
            let value = match parameter.kind.as_str() {
                "List<AWS::EC2::Subnet::Id>" => "subnet-00000001,subnet-00000002",
                "List<AWS::EC2::SecurityGroup::Id>" => "sg-00000001",
                "AWS::EC2::VPC::Id" => "vpc-00000001",
                kind => panic!("{stack}: {name} has the type {kind}, for which this test has no value"),
            };
            input.with_parameter(name, value)
        },
    )
}

#[tokio::test]
async fn every_example_template_is_deployed_and_deleted() {
    let golden_templates = golden_templates();
    assert!(golden_templates.len() >= 3, "{golden_templates:?}");
    for (stack, template) in golden_templates {
        let account = AccountFixture::new();
        let environment = account.environment();
        let before = (account.counts().await, account.infrastructure_counts().await);
        let input = input(&stack, &template);
        deploy(&environment, &input)
            .await
            .unwrap_or_else(|error| panic!("{stack}: {error}"));
        let deployed = account.infrastructure_counts().await;
        assert!(deployed["roles"] > before.1["roles"], "{stack}: {deployed:?}");
        let same = environment.compare(&input).await.unwrap();
        assert!(same.is_empty(), "{stack}: {same:?}");
        let destroyed = environment
            .destroy(&stack, &mut ())
            .await
            .unwrap_or_else(|error| panic!("{stack}: {error}"));
        assert_eq!(destroyed.left.len(), retained(&template), "{stack}: {destroyed:?}");
        assert_eq!(
            (account.counts().await, account.infrastructure_counts().await),
            before,
            "{stack}"
        );
    }
}
