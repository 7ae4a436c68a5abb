//! Values that only AWS knows, and what no given template has: stand-ins with a note.

use super::*;
use crate::stack_environment::Region;
use crate::values::Values;

const BASE: &str = "
Parameters:
  Subnets: {Type: 'List<AWS::EC2::Subnet::Id>'}
Resources:
  Ns: {Type: AWS::ServiceDiscovery::HttpNamespace, Properties: {Name: demo}}
  Cluster: {Type: AWS::ECS::Cluster, Properties: {ServiceConnectDefaults: {Namespace: demo}}}
  Db: {Type: AWS::RDS::DBInstance}
  Count: {Type: Custom::Count}
  Host: {Type: AWS::SSM::Parameter, Properties: {Name: /cache/host, Type: String, Value: cache.local}}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Family: web
      TaskRoleArn: !ImportValue roles:Task
      ContainerDefinitions:
        - Name: web
          Image: demo
          PortMappings: [{ContainerPort: 8080, Name: http}]
          DockerLabels: {meshwright.port.8080: PORT}
          Environment:
            - {Name: DB, Value: !Sub 'postgres://${Db.Endpoint.Address}:5432'}
            - {Name: CACHE, Value: '{{resolve:ssm:/cache/host:1}}'}
            - {Name: PASSWORD, Value: '{{resolve:secretsmanager:db:SecretString:password}}'}
            - {Name: QUEUE, Value: !ImportValue 'jobs:Queue'}
  Web:
    Type: AWS::ECS::Service
    Properties:
      ServiceName: web
      Cluster: !Ref Cluster
      DesiredCount: !GetAtt Count.Now
      TaskDefinition: !Ref Task
      LoadBalancers: [{TargetGroupArn: !ImportValue 'lb:Targets', ContainerName: web, ContainerPort: 8080}]
      NetworkConfiguration: {AwsvpcConfiguration: {Subnets: [!Select [1, !Ref Subnets]]}}
      ServiceConnectConfiguration: {Enabled: true, Services: [{PortName: http}]}
";

/// The plan in this environment, or the errors.
fn plan_in(text: &str, environment: &StackEnvironment) -> Result<Plan, String> {
    let template = Template::from_yaml(text).expect("a template");
    let parameters = BTreeMap::new();
    let stacks = [stack(&template, &parameters)];
    Plan::in_environment(&stacks, environment, &images()).map_err(|errors| errors.to_string())
}

fn with_values(values: Values) -> StackEnvironment {
    StackEnvironment {
        values,
        ..StackEnvironment::default()
    }
}

/// The variables of the only service's only container.
fn environment(plan: &Plan) -> Vec<(&str, &str)> {
    let variables = plan.services[0].containers[0].environment.iter();
    variables.map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[test]
fn what_is_read_has_a_stand_in_and_a_note() {
    let plan = plan_in(BASE, &StackEnvironment::default()).expect("a plan");
    assert_eq!(plan.services[0].desired_count, 1);
    assert_eq!(
        environment(&plan),
        [
            ("CACHE", "cache.local"),
            ("DB", "postgres://Db.Endpoint.Address:5432"),
            ("PASSWORD", "{{resolve:secretsmanager:db:SecretString:password}}"),
            ("QUEUE", "jobs:Queue"),
        ]
    );
    let variable =
        |index: usize| format!("Resources.Task.Properties.ContainerDefinitions[0].Environment[{index}].Value");
    let stands_in = |text: &str, name: &str, more: &str| {
        format!("`{text}` stands in, since `{name}` is known only on AWS; give it with --value '{name}=VALUE'{more}")
    };
    let secret = "resolve:secretsmanager:db:SecretString:password";
    assert_eq!(
        plan.assumed,
        [
            (
                "Resources.Web.Properties.DesiredCount".to_owned(),
                "1 task is assumed, since `Count.Now` is known only on AWS; give it with --value 'Count.Now=VALUE'"
                    .to_owned()
            ),
            (
                variable(0),
                stands_in("postgres://Db.Endpoint.Address:5432", "Db.Endpoint.Address", "")
            ),
            (variable(2), stands_in(&format!("{{{{{secret}}}}}"), secret, "")),
            (
                variable(3),
                stands_in(
                    "jobs:Queue",
                    "jobs:Queue",
                    " or the template of the stack that exports it"
                )
            ),
            (
                "Resources.Web.Properties.LoadBalancers[0].TargetGroupArn".to_owned(),
                "the target group is in none of the given templates, and gets no targets here".to_owned()
            ),
        ]
    );
}

#[test]
fn given_values_are_used() {
    let values = Values::default()
        .with("Count.Now", "3")
        .with(
            "Resources.Task.Properties.ContainerDefinitions[0].Environment[0].Value",
            "db.test",
        )
        .with("secretsmanager:db", r#"{"password": "hunter2"}"#)
        .with("jobs:Queue", "q")
        .with("jobs:Quee", "p");
    let environment_with_values = with_values(values);
    let plan = plan_in(BASE, &environment_with_values).expect("a plan");
    assert_eq!(plan.services[0].desired_count, 3);
    // A value for it would not make it a target group of this mesh.
    let assumed: Vec<&str> = plan.assumed.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(assumed, ["Resources.Web.Properties.LoadBalancers[0].TargetGroupArn"]);
    let variables = [
        ("CACHE", "cache.local"),
        ("DB", "db.test"),
        ("PASSWORD", "hunter2"),
        ("QUEUE", "q"),
    ];
    assert_eq!(environment(&plan), variables);
    let unread = environment_with_values.values.unread();
    assert_eq!(
        unread,
        [("jobs:Quee".to_owned(), "nothing reads this value".to_owned())]
    );
}

#[test]
fn what_cannot_have_a_stand_in_is_an_error_with_the_option() {
    for (from, to, path, name) in [
        (
            "ContainerPort: 8080, Name",
            "ContainerPort: !GetAtt Count.Port, Name",
            "PortMappings[0].ContainerPort",
            "Count.Port",
        ),
        (
            "Name: http}]\n          Docker",
            "Name: !GetAtt Count.Name}]\n          Docker",
            "PortMappings[0].Name",
            "Count.Name",
        ),
    ] {
        assert!(BASE.contains(from), "{from}");
        let errors = plan_in(&BASE.replace(from, to), &StackEnvironment::default()).expect_err(to);
        let expected = format!(
            "Resources.Task.Properties.ContainerDefinitions[0].{path}: `{name}` is known only on AWS, and nothing can stand \
             in for it here; give it with --value '{name}=VALUE'"
        );
        assert_eq!(errors.lines().next(), Some(expected.as_str()));
    }
}

#[test]
fn secrets_of_containers_can_be_given() {
    let secrets = "          Secrets: [{Name: KEY, ValueFrom: /web/key}, {Name: CERT, ValueFrom: /web/cert}]\n          Environment:\n";
    let text = BASE.replace("          Environment:\n", secrets);
    let plan = plan_in(
        &text,
        &with_values(Values::default().with("ssm-secure:/web/key", "k-1")),
    )
    .expect("a plan");
    assert!(environment(&plan).contains(&("KEY", "k-1")), "{plan:?}");
    let listed = "Resources.Task.Properties.ContainerDefinitions[0].Secrets: CERT";
    assert!(
        plan.not_simulated.iter().any(|(path, _)| path == listed),
        "{:?}",
        plan.not_simulated
    );
}

#[test]
fn services_with_one_default_discovery_name_run() {
    let second = "\n  Other:\n    Type: AWS::ECS::Service\n    Properties: {ServiceName: Other, Cluster: !Ref Cluster, TaskDefinition: !Ref Task, ServiceConnectConfiguration: {Enabled: true, Services: [{PortName: http}]}}\n";
    let plan = plan_in(&format!("{BASE}{second}"), &StackEnvironment::default()).expect("a plan");
    let names: Vec<&str> = plan.namespaces[0]
        .services
        .iter()
        .map(|offered| offered.discovery_name.as_str())
        .collect();
    assert_eq!(names, ["http", "http-other"]);
    let path = "Resources.Other.Properties.ServiceConnectConfiguration.Services[0].DiscoveryName";
    assert!(
        plan.assumed.iter().any(|(noted, _)| noted == path),
        "{:?}",
        plan.assumed
    );
}

#[test]
fn secrets_are_not_in_errors() {
    let text = BASE.replace(
        "!GetAtt Count.Now",
        "'{{resolve:secretsmanager:db:SecretString:count}}'",
    );
    let values = Values::default().with("secretsmanager:db", json!({"count": "hunter2", "password": "x"}));
    let errors = plan_in(&text, &with_values(values)).expect_err("not a number");
    assert!(errors.contains("DesiredCount: is \"(secret)\""), "{errors}");
}

#[test]
fn an_unread_value_is_named_beside_errors() {
    let values = Values::default().with("Count.Nwo", "3");
    let text = BASE.replace("Name: http}", "Name: http, AppProtocol: smtp}");
    let errors = plan_in(&text, &with_values(values)).expect_err("an error");
    let last = errors.lines().last().expect("lines");
    assert_eq!(
        last,
        "--value Count.Nwo: nothing reads this value; did you mean `Count.Now`?"
    );
}

#[test]
fn a_region_can_be_chosen() {
    let text = "
Mappings: {Images: {us-east-1: {Web: demo}}}
Resources:
  Task: {Type: AWS::ECS::TaskDefinition, Properties: {ContainerDefinitions: [{Name: web, Image: !FindInMap [Images, !Ref AWS::Region, Web]}]}}
  Web: {Type: AWS::ECS::Service, Properties: {TaskDefinition: !Ref Task}}
";
    let errors = plan_in(text, &StackEnvironment::default()).expect_err("no region");
    assert_eq!(
        errors,
        "Resources.Task.Properties.ContainerDefinitions[0].Image: Fn::FindInMap: no entry Images / local / Web; choose a \
         region with --region; it has us-east-1"
    );
    let environment = StackEnvironment {
        region: Some(Region::new("us-east-1").expect("a region")),
        ..StackEnvironment::default()
    };
    assert!(plan_in(text, &environment).is_ok());
}

#[test]
fn clusters_and_namespaces_may_be_elsewhere() {
    let text = BASE
        .replace("Cluster: !Ref Cluster", "Cluster: !ImportValue 'env:Fleet'")
        .replace(
            "{Enabled: true,",
            "{Enabled: true, Namespace: 'arn:aws:servicediscovery:eu-west-1:1:namespace/ns-far',",
        );
    let plan = plan_in(&text, &StackEnvironment::default()).expect("a plan");
    assert_eq!(plan.services[0].cluster, "env:Fleet");
    assert_eq!(plan.services[0].membership.namespace(), Some("ns-far"));
    let notes: Vec<&str> = plan.assumed.iter().map(|(_, note)| note.as_str()).collect();
    for expected in [
        "the cluster `env:Fleet` is in none of the given templates, and is taken to exist",
        "the namespace `ns-far` is in none of the given templates, and is taken to exist",
    ] {
        assert!(notes.contains(&expected), "{notes:?}");
    }
}

#[test]
fn macros_of_sam_leave_the_rest_to_run() {
    let text = format!(
        "Transform: AWS::Serverless-2016-10-31\nGlobals: {{Function: {{Timeout: 5}}}}{BASE}  Hook: {{Type: AWS::Serverless::Function}}\n"
    );
    let plan = plan_in(&text, &StackEnvironment::default()).expect("a plan");
    let note =
        "`AWS::Serverless-2016-10-31` is a macro, which is not carried out here: its resources are left out: Hook";
    assert_eq!(plan.assumed[0], ("Transform".to_owned(), note.to_owned()));
}

#[test]
fn loops_make_services() {
    let text = BASE
        .replace("\nParameters:", "\nTransform: AWS::LanguageExtensions\nParameters:")
        .replace("  Web:\n    Type: AWS::ECS::Service\n    Properties:\n      ServiceName: web\n", "  Fn::ForEach::Web:\n    - Name\n    - [a, b]\n    - Web${Name}:\n        Type: AWS::ECS::Service\n        Properties: {ServiceName: !Ref Name, Cluster: !Ref Cluster, TaskDefinition: {Ref: !Sub 'Ta${AWS::NoValue}sk'}}\n  Rest:\n    Type: AWS::S3::Bucket\n    Properties:\n")
        .replace("{Ref: !Sub 'Ta${AWS::NoValue}sk'}", "{Ref: !Join ['', [Ta, sk]]}");
    let plan = plan_in(&text, &StackEnvironment::default()).expect("a plan");
    let names: Vec<&str> = plan.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn environment_files_and_secrets_become_variables() {
    let files = "[{Type: s3, Value: 'arn:aws:s3:::settings/a.env'}, {Type: s3, Value: 'arn:aws:s3:::settings/b.env'}]";
    let secrets = "[{Name: HOST, ValueFrom: !Ref Host}, {Name: TOKEN, ValueFrom: /elsewhere/token}]";
    let text = BASE.replace(
        "          Environment:\n",
        &format!("          EnvironmentFiles: {files}\n          Secrets: {secrets}\n          Environment:\n"),
    );
    let given = with_values(Values::default().with("s3://settings/a.env", "COLOUR=green\nQUEUE=of the file\n"));
    let plan = plan_in(&text, &given).expect("a plan");
    let variables = environment(&plan);
    // Its own variable takes precedence.
    assert!(
        variables.contains(&("COLOUR", "green")) && variables.contains(&("QUEUE", "jobs:Queue")),
        "{variables:?}"
    );
    // That of the parameter in the same template.
    assert!(variables.contains(&("HOST", "cache.local")), "{variables:?}");
    let path = "Resources.Task.Properties.ContainerDefinitions[0]";
    for listed in [
        format!("{path}.EnvironmentFiles: arn:aws:s3:::settings/b.env"),
        format!("{path}.Secrets: TOKEN"),
    ] {
        assert!(
            plan.not_simulated.contains(&(listed, "property".to_owned())),
            "{:?}",
            plan.not_simulated
        );
    }
    let missing = given.values.missing_references();
    let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
    assert_eq!(
        missing,
        [
            "resolve:secretsmanager:db",
            "resolve:ssm-secure:/cache/host",
            "resolve:ssm-secure:/elsewhere/token",
            "resolve:ssm:/cache/host:1",
        ]
    );
}

#[test]
fn the_name_of_an_import_stands_in_for_it() {
    let text = BASE.replace(
        "!ImportValue 'jobs:Queue'",
        "{'Fn::ImportValue': !Sub 'jobs:${AWS::Region}'}",
    );
    let plan = plan_in(&text, &StackEnvironment::default()).expect("a plan");
    assert!(
        environment(&plan).contains(&("QUEUE", "jobs:local")),
        "{:?}",
        environment(&plan)
    );
}

#[test]
fn an_empty_namespace_is_an_error() {
    let text = BASE.replace("{Namespace: demo}}", "{Namespace: ''}}");
    let error = plan_in(&text, &StackEnvironment::default()).map(|_| ());
    let expected = "Resources.Web.Properties.ServiceConnectConfiguration.Namespace: is empty; give the service or its \
                    cluster a namespace";
    assert_eq!(error, Err(expected.to_owned()));
}
