//! Container images before a deployment. Responses of ECR are scripted.

use cfn_deploy::DeploymentInput;
use serde_json::json;

use crate::connection::Response;
use crate::fixture::{AccountFixture, template};

/// A stack with a task definition whose containers have these images, in ECR unless they have a registry.
fn tasks(stack: &str, images: &[&str]) -> DeploymentInput {
    let registry = "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}";
    let container = |image: &&str| json!({"Name": "app", "Image": {"Fn::Sub": format!("{registry}/{image}")}});
    let containers: Vec<_> = images.iter().map(container).collect();
    let task = json!({"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": containers}});
    DeploymentInput::new(stack, template(&json!({"Task": task})))
}

#[tokio::test]
async fn an_image_is_unchecked_if_a_stack_of_the_deployment_creates_its_repository() {
    let account = AccountFixture::new();
    let (environment, calls) = account.scripted(|request| {
        let missing = json!({"__type": "RepositoryNotFoundException", "message": "none"}).to_string();
        (request.action == "BatchGetImage").then(|| Response::json(400, &missing))
    });
    let repository = json!({"Type": "AWS::ECR::Repository", "Properties": {"RepositoryName": "team/app"}});
    let images = DeploymentInput::new("images", template(&json!({"App": repository})));
    let web = tasks("web", &["team/app:1", "team/other:1"]);

    let check = environment.check_images(&[images, web.clone()]).await.unwrap();
    assert!(
        check.unchecked.len() == 1
            && check.unchecked[0].contains("/team/app:1 of Task (app): stack `images` creates repository team/app"),
        "{check:?}"
    );
    assert_eq!(check.problems.len(), 1, "{check:?}");
    assert_eq!(check.problems[0].repository, "team/other");
    assert!(check.problems[0].is_repository_missing);

    // Alone, the stack needs both.
    let check = environment.check_images(&[web]).await.unwrap();
    let missing: Vec<_> = check
        .problems
        .iter()
        .map(|problem| problem.repository.as_str())
        .collect();
    assert_eq!(missing, ["team/app", "team/other"]);
    assert_eq!(calls.lock().unwrap()["BatchGetImage"], 4);
}
