//! A stack with the constructs for companies, deployed: what the account then contains.

use mesh_infra::{
    AccessPoint, Cluster, Container, EcrRepository, EfsVolume, FileSystem, LoadBalancer, LogDriver, Monitoring,
    OtelCollector, ParameterGuard, PortMapping, Secret, Service, Stack, TaskDefinition, Template, Vpc,
};
use serde_json::{Value, json};

use crate::account::Account;
use crate::mesh::{config, deploy_stack};

const BOUNDARY: &str = "arn:aws:iam::000000000000:policy/Boundary";
const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:db-AbCdEf";

fn template() -> Template {
    let mut stack = Stack::new("shop")
        .with_permission_boundary(BOUNDARY)
        .with_role_path("/mesh/")
        .with_role_name_prefix("mesh-")
        .with_tag("team", "shop");
    stack.add("app", EcrRepository::new("team/app"));
    stack.add(
        "guard",
        ParameterGuard::new(["arn:aws:iam::000000000000:role/deployer"]),
    );
    let network = stack.add("Vpc", Vpc::new());
    let cluster = stack.add("Cluster", Cluster::new());
    let entrance = stack.add("Entrance", LoadBalancer::application(&network, 8080));
    let files = stack.add("files", FileSystem::new(&network));
    let data = stack.add("data", AccessPoint::new(&files, "/data"));
    let app = Container::new("app", "team/app:1")
        .with_port(PortMapping::new("http", 8080))
        .with_secret("DB_PASSWORD", Secret::secrets_manager(SECRET).with_json_key("password"))
        .with_log_driver(LogDriver::awslogs().with_option("mode", "non-blocking"))
        .with_writable_directory("/tmp")
        .with_efs_volume(&EfsVolume::of_access_point("data", &data), "/data");
    let task = TaskDefinition::new(app).with_otel_collector(OtelCollector::new());
    let service = Service::new(&cluster, task)
        .with_name("app")
        .with_network(&network)
        .with_load_balancer(&entrance)
        .with_execute_command();
    let service = stack.add("app", service);
    let monitoring = Monitoring::new()
        .with_service(&service)
        .with_load_balancer(&entrance)
        .with_topic_arn("arn:aws:sns:eu-west-1:000000000000:alarms");
    stack.add("Watch", monitoring);
    stack.synth().unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

/// The only item of a list.
fn only<'v>(found: &'v Value, list: &str) -> &'v Value {
    match found[list].as_array().map(Vec::as_slice) {
        Some([only]) => only,
        other => panic!("{list}: {other:?}"),
    }
}

#[tokio::test]
async fn a_stack_of_a_company_is_deployed() {
    let account = Account::new();
    deploy_stack(&config(account.endpoint()).await, &template()).await;

    let roles = account.call("iam", "list_roles", &json!({"PathPrefix": "/mesh/"}));
    let roles = roles["Roles"].as_array().expect("roles");
    assert_eq!(roles.len(), 2, "{roles:?}");
    // MiniStack does not keep the boundary of a role that a stack creates.
    for role in roles {
        let name = role["RoleName"].as_str().expect("a name");
        assert!(name.starts_with("mesh-App"), "{name}");
        let role = account.call("iam", "get_role", &json!({"RoleName": name}));
        let tags = role["Role"]["Tags"].as_array().expect("tags");
        assert!(
            tags.contains(&json!({"Key": "team", "Value": "shop"})),
            "{name}: {tags:?}"
        );
    }

    let found = account.call("ecs", "list_task_definitions", &json!({}));
    let definition = only(&found, "taskDefinitionArns").clone();
    let definition = account.call(
        "ecs",
        "describe_task_definition",
        &json!({"taskDefinition": definition}),
    );
    let containers = definition["taskDefinition"]["containerDefinitions"]
        .as_array()
        .expect("containers");
    // MiniStack keeps no members of secrets and volumes.
    only(&containers[0], "secrets");
    assert_eq!(
        definition["taskDefinition"]["volumes"].as_array().map(Vec::len),
        Some(2)
    );
    let driver = &containers[0]["logConfiguration"];
    assert_eq!(
        (&driver["logDriver"], &driver["options"]["mode"]),
        (&json!("awslogs"), &json!("non-blocking"))
    );

    let systems = account.call("efs", "describe_file_systems", &json!({}));
    let system = &only(&systems, "FileSystems")["FileSystemId"];
    let targets = account.call("efs", "describe_mount_targets", &json!({"FileSystemId": system}));
    assert_eq!(targets["MountTargets"].as_array().map(Vec::len), Some(2), "{targets}");
    let repositories = account.call("ecr", "describe_repositories", &json!({}));
    assert_eq!(only(&repositories, "repositories")["imageTagMutability"], "IMMUTABLE");
    let alarms = account.call("cloudwatch", "describe_alarms", &json!({}));
    let alarms = alarms["MetricAlarms"].as_array().expect("alarms");
    assert_eq!(alarms.len(), 7, "{alarms:?}");
    let policies = account.call("iam", "list_policies", &json!({"Scope": "Local"}));
    only(&policies, "Policies");
}
