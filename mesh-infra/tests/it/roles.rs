//! Roles and logs: permissions of ECS and tasks, and log groups.

use mesh_infra::{
    Cluster, Container, HttpNamespace, PortMapping, Service, ServiceConnect, ServiceConnectService, Stack,
    TaskDefinition, Template, Vpc,
};
use serde_json::{Value as Json, json};

use crate::deployable::{app, container, template};

/// The statements of the role of this id.
pub(crate) fn statements(template: &Template, role: &str) -> Vec<Json> {
    let policies = template.resources[role].properties["Policies"].as_array();
    let documents = policies.into_iter().flatten().map(|policy| &policy["PolicyDocument"]);
    documents
        .flat_map(|document| document["Statement"].as_array().cloned().unwrap_or_default())
        .collect()
}

/// The template of one service that `change` changes.
fn one(container: Container, change: impl FnOnce(Service) -> Service) -> Template {
    let mut stack = Stack::new("demo");
    let network = stack.add("Vpc", Vpc::new());
    let cluster = stack.add("Cluster", Cluster::new());
    let service = Service::new(&cluster, TaskDefinition::new(container)).with_network(&network);
    stack.add("my app", change(service));
    stack.synth().unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

#[test]
fn the_execution_role_allows_one_log_group_and_the_images() {
    let template = template();
    let pull = |repository: &str| {
        let arn = format!("arn:${{AWS::Partition}}:ecr:${{AWS::Region}}:${{AWS::AccountId}}:repository/{repository}");
        json!({"Effect": "Allow", "Resource": {"Fn::Sub": arn}, "Action": [
            "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]})
    };
    assert_eq!(
        statements(&template, "BlueExecutionRole"),
        [
            json!({"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": {"Fn::GetAtt": ["BlueLogGroup", "Arn"]}}),
            json!({"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}),
            pull("team/app"),
            pull("meshwright/envoy"),
        ]
    );
    assert_eq!(
        statements(&template, "DoorExecutionRole")[2..],
        [pull("meshwright/envoy")]
    );
    for (id, resource) in &template.resources {
        if resource.kind == "AWS::IAM::Role" {
            assert_eq!(resource.properties.get("ManagedPolicyArns"), None, "{id}");
        }
    }
}

#[test]
fn the_control_planes_role_allows_its_mesh_and_namespace() {
    let template = template();
    let arn = |name: &str| json!({"Fn::Sub": format!("arn:${{AWS::Partition}}:ssm:${{AWS::Region}}:${{AWS::AccountId}}:parameter/{name}")});
    assert_eq!(
        statements(&template, "ControlPlaneTaskRole"),
        [
            json!({"Effect": "Allow", "Action": ["ssm:GetParameter", "ssm:GetParametersByPath"],
                "Resource": [arn("meshwright/demo"), arn("meshwright/demo/*")]}),
            json!({"Effect": "Allow", "Action": "ssm:GetParametersByPath",
                "Resource": [arn("meshwright-revision/demo"), arn("meshwright-revision/demo/*")]}),
            json!({"Effect": "Allow",
                "Action": ["ssm:GetParametersByPath", "ssm:PutParameter", "ssm:DeleteParameter"],
                "Resource": [arn("meshwright-status/demo"), arn("meshwright-status/demo/*")]}),
            json!({"Effect": "Allow", "Resource": "*",
                "Action": ["servicediscovery:DiscoverInstances", "servicediscovery:DiscoverInstancesRevision"],
                "Condition": {"StringLike": {"servicediscovery:NamespaceName": ["appmesh", "*appmesh*"]}}}),
            json!({"Effect": "Allow", "Action": "servicediscovery:GetNamespace",
                "Resource": {"Fn::GetAtt": ["Namespace", "Arn"]}}),
            json!({"Effect": "Allow", "Action": "servicediscovery:ListServices", "Resource": "*"}),
        ]
    );
    // Nothing else in the stack calls AWS.
    let with_role = template
        .resources
        .iter()
        .filter(|(_, resource)| resource.properties.get("TaskRoleArn").is_some());
    let ids: Vec<&String> = with_role.map(|(id, _)| id).collect();
    assert_eq!(ids, ["ControlPlaneTaskDefinition"]);
}

#[test]
fn logs_are_kept_for_30_days() {
    let template = template();
    let group = &template.resources["BlueLogGroup"];
    assert_eq!(
        group.properties,
        json!({"LogGroupName": {"Fn::Sub": "/meshwright/${AWS::StackName}/blue"}, "RetentionInDays": 30})
    );
    assert_eq!(group.deletion_policy, Some(json!("Delete")));
    for name in ["app", "envoy"] {
        let written = &container(&template, "BlueTaskDefinition", name)["LogConfiguration"];
        assert_eq!(written["LogDriver"], "awslogs");
        assert_eq!(
            written["Options"]["awslogs-group"],
            json!({"Ref": "BlueLogGroup"}),
            "{name}"
        );
        assert_eq!(written["Options"]["awslogs-stream-prefix"], "blue");
    }
    let shorter = one(app(80), |service| service.with_log_retention_days(7));
    assert_eq!(shorter.resources["MyAppLogGroup"].properties["RetentionInDays"], 7);
    assert_eq!(
        shorter.resources["MyAppLogGroup"].properties["LogGroupName"],
        json!({"Fn::Sub": "/meshwright/${AWS::StackName}/my-app"})
    );
}

#[test]
fn the_service_connect_proxy_uses_the_same_log_group() {
    let mut stack = Stack::new("demo");
    let namespace = stack.add("Namespace", HttpNamespace::new("sc"));
    let network = stack.add("Vpc", Vpc::new());
    let cluster = stack.add("Cluster", Cluster::new().with_service_connect_namespace(&namespace));
    let endpoint = |port: &str| ServiceConnectService::new(port).with_discovery_name("blue");
    let blue = Service::new(&cluster, TaskDefinition::new(app(80)))
        .with_network(&network)
        .with_service_connect(ServiceConnect::offering(endpoint("http")));
    stack.add("blue", blue);
    let passed_by = endpoint("http")
        .with_discovery_name("red")
        .with_ingress_port_override(8080);
    let red = Service::new(&cluster, TaskDefinition::new(app(80)))
        .with_network(&network)
        .with_service_connect(ServiceConnect::offering(passed_by));
    stack.add("red", red);
    let template = stack.synth().unwrap();
    template
        .has_resource(
            "AWS::ECS::Service",
            &json!({"ServiceConnectConfiguration": {"LogConfiguration": {
                "LogDriver": "awslogs", "Options": {"awslogs-group": {"Ref": "BlueLogGroup"}}}}}),
        )
        .unwrap();
    // Its application needs no other client, unless its Envoy listens elsewhere.
    for (task, address) in [("BlueTaskDefinition", "127.0.0.1"), ("RedTaskDefinition", "0.0.0.0")] {
        let app = container(&template, task, "app");
        assert_eq!(crate::deployable::variable(app, "BIND"), Some(address), "{task}");
    }
}

#[test]
fn given_roles_and_logs_replace_the_defaults() {
    let log = json!({"LogDriver": "splunk"});
    let quiet = Container::new("app", "team/app")
        .with_log_configuration(log.clone())
        .with_port(PortMapping::new("http", 8080));
    let template = one(quiet, |service| service);
    for kind in ["AWS::Logs::LogGroup", "AWS::IAM::Role"] {
        assert_eq!(template.resource_count(kind), 0, "{kind}");
    }
    assert_eq!(
        container(&template, "MyAppTaskDefinition", "app")["LogConfiguration"],
        log
    );

    let mut stack = Stack::new("demo");
    let network = stack.add("Vpc", Vpc::new());
    let cluster = stack.add("Cluster", Cluster::new());
    let task = TaskDefinition::new(app(8080)).with_execution_role_arn("arn:aws:iam::1:role/own");
    stack.add("app", Service::new(&cluster, task).with_network(&network));
    let template = stack.synth().unwrap();
    assert_eq!(template.resource_count("AWS::IAM::Role"), 0);
    assert_eq!(
        template.resources["AppTaskDefinition"].properties["ExecutionRoleArn"],
        "arn:aws:iam::1:role/own"
    );
}
