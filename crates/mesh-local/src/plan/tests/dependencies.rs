//! `DependsOn` between services.

use std::collections::BTreeSet;

use super::*;

const TEMPLATE: &str = "
Resources:
  Task: {Type: AWS::ECS::TaskDefinition, Properties: {ContainerDefinitions: [{Name: app, Image: demo}]}}
  Logs: {Type: AWS::Logs::LogGroup, DependsOn: LOGS}
  Db: {Type: AWS::ECS::Service, Properties: {ServiceName: db, TaskDefinition: !Ref Task}}
  Api: {Type: AWS::ECS::Service, DependsOn: Logs, Properties: {ServiceName: api, TaskDefinition: !Ref Task}}
  Web: {Type: AWS::ECS::Service, DependsOn: [Api], Properties: {ServiceName: web, TaskDefinition: !Ref Task}}
";

fn plan_of(depends_on: &str) -> Result<Plan, String> {
    let template = Template::from_yaml(&TEMPLATE.replace("LOGS", depends_on)).expect("a template");
    read(&template, &images())
}

#[test]
fn services_wait_for_those_they_depend_on() {
    let plan = plan_of("Db").expect("a plan");
    let waits = |name: &str| {
        app_mesh::service(&plan, name)
            .depends_on
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (waits("db"), waits("api"), waits("web")),
        (vec![], vec!["db"], vec!["api", "db"])
    );
    assert_eq!(plan.services[0].depends_on, BTreeSet::new());
}

#[test]
fn circles_and_unknown_names_are_errors() {
    let circle = plan_of("Web").expect_err("a circle");
    let message =
        "depends on itself, directly or through other resources; CloudFormation rejects circular dependencies";
    assert_eq!(
        circle,
        format!("Resources.Api.DependsOn: {message}\nResources.Web.DependsOn: {message}")
    );
    let unknown = TEMPLATE.replace("LOGS", "Db").replace("[Api]", "[Apo]");
    let template = Template::from_yaml(&unknown).expect("a template");
    let error = read(&template, &images()).map(|_| ());
    let expected = "Resources.Web.DependsOn: `Apo` is not a resource; did you mean `Api`?";
    assert_eq!(error, Err(expected.to_owned()));
}
