//! Parameters whose values are outputs of other stacks.

use cfn::{StackImport, Template};
use cfn_deploy::{DeploymentInput, ErrorKind};
use serde_json::{Value as Json, json};

use crate::fixture::{AccountFixture, deploy, ssm_parameter};

fn producer(value: &str, outputs: &[&str]) -> DeploymentInput {
    let outputs = outputs.iter().map(|name| ((*name).to_owned(), json!({"Value": value})));
    let outputs: serde_json::Map<String, Json> = outputs.collect();
    let document = json!({"Resources": {"A": ssm_parameter("/a", value)}, "Outputs": outputs});
    DeploymentInput::new("one", Template::from_json(&document.to_string()).unwrap())
}

/// A stack whose parameters are these outputs of `one`.
fn consumer(outputs: &[&str]) -> DeploymentInput {
    let mut document = json!({"Parameters": {}, "Resources": {}});
    for name in outputs {
        document["Parameters"][format!("One{name}")] = json!({"Type": "String"});
        let mut resource = ssm_parameter(&format!("/used/{name}"), "");
        resource["Properties"]["Value"] = json!({"Ref": format!("One{name}")});
        document["Resources"][format!("R{name}")] = resource;
    }
    let mut template = Template::from_json(&document.to_string()).unwrap();
    for name in outputs {
        template.add_stack_import(&StackImport {
            parameter: format!("One{name}"),
            stack: "one".to_owned(),
            output: (*name).to_owned(),
        });
    }
    DeploymentInput::new("two", template)
}

#[tokio::test]
async fn values_come_from_the_deployed_outputs() {
    let account = AccountFixture::new();
    let environment = account.environment();
    let early = environment.with_imports(consumer(&["X"])).await.unwrap();
    let error = environment.create_change_set(&early).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(
        error.to_string(),
        "stack `two` cannot be deployed: stack `one` is not deployed yet; deploy that stack first"
    );
    let comparison = environment.compare(&early).await.unwrap();
    assert_eq!(comparison.status, None);
    assert_eq!(
        comparison.parameters[0].after.as_deref(),
        Some("(not known: stack `one` is not deployed yet)")
    );

    deploy(&environment, &producer("1", &["X"])).await.unwrap();
    let known = environment.with_imports(consumer(&["X"])).await.unwrap();
    assert_eq!(known.parameter("OneX"), Some("1"));
    let given = consumer(&["X"]).with_parameter("OneX", "mine");
    let given = environment.with_imports(given).await.unwrap();
    assert_eq!(given.parameter("OneX"), Some("mine"), "the caller decides");
    deploy(&environment, &known).await.unwrap();

    // The value changes in the stack that is used: an export could not.
    deploy(&environment, &producer("2", &["X"])).await.unwrap();
    let changed = environment.with_imports(consumer(&["X"])).await.unwrap();
    let comparison = environment.compare(&changed).await.unwrap();
    assert_eq!(comparison.parameters[0].before.as_deref(), Some("1"));
    assert_eq!(comparison.parameters[0].after.as_deref(), Some("2"));

    // An output that the stack will have after its next deployment.
    let next = environment.with_imports(consumer(&["X", "Y"])).await.unwrap();
    let comparison = environment.compare(&next).await.unwrap();
    assert_eq!(comparison.changes, Err("stack `one` has no output `Y` yet".to_owned()));
    assert!(!comparison.is_empty());
    assert_eq!(account.change_sets("two").await, [""; 0]);
}
