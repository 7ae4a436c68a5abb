//! Rights of containers: user, root file system, capabilities, and ECS Exec.

use mesh_infra::{
    Cluster, Container, Listener, NetworkHandle, Service, Stack, TaskDefinition, Template, ValidationErrors,
    VirtualGateway, Vpc,
};
use serde_json::{Value as Json, json};

use crate::deployable::{self, app, container, fixture, node, service};
use crate::lint::accepted_by_cfn_lint;
use crate::roles::statements;

/// The stack of a service `app` with this task, in a network that `change` can use as well.
pub(crate) fn stack_of(
    task: TaskDefinition,
    change: impl FnOnce(&mut Stack, &NetworkHandle, Service) -> Service,
) -> Stack {
    let mut stack = Stack::new("demo");
    let network = stack.add("Vpc", Vpc::new());
    let cluster = stack.add("Cluster", Cluster::new());
    let service = Service::new(&cluster, task).with_network(&network);
    let service = change(&mut stack, &network, service);
    stack.add("app", service);
    stack
}

/// Its template, which cfn-lint accepts.
pub(crate) fn template_of(task: TaskDefinition) -> Template {
    checked(&stack_of(task, |_, _, service| service))
}

pub(crate) fn checked(stack: &Stack) -> Template {
    let template = stack.synth().unwrap_or_else(|errors| panic!("{errors}"));
    accepted_by_cfn_lint(&template);
    template
}

pub(crate) fn errors_of(task: TaskDefinition) -> String {
    let errors: ValidationErrors = stack_of(task, |_, _, service| service).synth().unwrap_err();
    errors.to_string()
}

const NO_CAPABILITIES: &str = r#"{"Capabilities":{"Drop":["ALL"]}}"#;

#[test]
fn containers_have_no_rights() {
    let template = deployable::template();
    for (task_definition, name, user) in [
        ("ControlPlaneTaskDefinition", "mesh-control", json!("65532")),
        ("BlueTaskDefinition", "envoy", json!("1337")),
        ("DoorTaskDefinition", "envoy", json!("1337")),
        ("BlueTaskDefinition", "app", Json::Null),
    ] {
        let container = container(&template, task_definition, name);
        assert_eq!(container["User"], user, "{name}");
        assert_eq!(container["ReadonlyRootFilesystem"], true, "{name}");
        assert_eq!(container["LinuxParameters"].to_string(), NO_CAPABILITIES, "{name}");
    }
}

#[test]
fn a_container_can_keep_its_rights() {
    let free = app(8080)
        .with_user("1000")
        .with_writable_root_filesystem()
        .with_default_capabilities();
    let template = template_of(TaskDefinition::new(free));
    let app = container(&template, "AppTaskDefinition", "app");
    assert_eq!(
        (&app["User"], &app["ReadonlyRootFilesystem"]),
        (&json!("1000"), &json!(false))
    );
    assert_eq!(app.get("LinuxParameters"), None);
}

#[test]
fn ecs_exec_takes_rights_back_from_the_application_alone() {
    let mut stack = Stack::new("mesh");
    let fixture = fixture(&mut stack);
    let blue = stack.add("blue", node(&fixture, "blue", 80));
    let service = service(&fixture, "blue", app(80)).with_virtual_node(&blue);
    stack.add("blue", service.with_execute_command());
    let template = checked(&stack);
    assert_eq!(
        template.resources["BlueService"].properties["EnableExecuteCommand"],
        true
    );
    let app = container(&template, "BlueTaskDefinition", "app");
    assert_eq!(app["ReadonlyRootFilesystem"], false);
    assert_eq!(app["LinuxParameters"], json!({"InitProcessEnabled": true}));
    let envoy = container(&template, "BlueTaskDefinition", "envoy");
    assert_eq!(envoy["ReadonlyRootFilesystem"], true);
    assert_eq!(envoy["LinuxParameters"].to_string(), NO_CAPABILITIES);
    assert_eq!(
        statements(&template, "BlueTaskRole"),
        [json!({"Effect": "Allow", "Resource": "*", "Action": [
            "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
            "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"]})]
    );
    assert_eq!(
        template.resources["BlueTaskDefinition"].properties["TaskRoleArn"],
        json!({"Fn::GetAtt": ["BlueTaskRole", "Arn"]})
    );
}

#[test]
fn ecs_exec_in_a_gateway_is_reported() {
    let mut stack = Stack::new("mesh");
    let fixture = fixture(&mut stack);
    let door = VirtualGateway::new(&fixture.mesh, "door").with_listener(Listener::http(9080));
    let door = stack.add("door", door);
    let gateway = Service::gateway(&fixture.cluster, &door).with_network(&fixture.network);
    stack.add("door", gateway.with_execute_command());
    assert_eq!(
        stack.synth().unwrap_err().to_string(),
        "Resources.DoorService.Properties.EnableExecuteCommand: is set, but the task consists of an Envoy, whose root file \
         system is read-only, so that ECS Exec cannot work; remove Service::with_execute_command"
    );
}

#[test]
fn permissions_of_a_task_become_its_role() {
    let topic = "arn:aws:sns:eu-west-1:123456789012:topic";
    let task = TaskDefinition::new(app(8080)).with_task_permission(["sns:Publish"], [topic]);
    let template = template_of(task.clone());
    assert_eq!(
        statements(&template, "AppTaskRole"),
        [json!({"Effect": "Allow", "Action": "sns:Publish", "Resource": topic})]
    );
    let own = template_of(task.with_task_role_arn("arn:aws:iam::123456789012:role/own"));
    assert!(!own.resources.contains_key("AppTaskRole"));
}

#[test]
fn directories_are_writable_in_a_read_only_file_system() {
    let other = Container::new("other", "team/other:1").with_writable_directory("/tmp");
    let app = app(8080)
        .with_writable_directory("/tmp")
        .with_writable_directory("/var/cache");
    let template = template_of(TaskDefinition::new(app).with_container(other));
    let properties = &template.resources["AppTaskDefinition"].properties;
    assert_eq!(
        properties["Volumes"],
        json!([{"Name": "scratch-app-0"}, {"Name": "scratch-app-1"}, {"Name": "scratch-other-0"}])
    );
    assert_eq!(
        container(&template, "AppTaskDefinition", "app")["MountPoints"],
        json!([
            {"SourceVolume": "scratch-app-0", "ContainerPath": "/tmp", "ReadOnly": false},
            {"SourceVolume": "scratch-app-1", "ContainerPath": "/var/cache", "ReadOnly": false}
        ])
    );
    assert_eq!(
        container(&template, "AppTaskDefinition", "other")["MountPoints"][0]["SourceVolume"],
        "scratch-other-0"
    );
}

#[test]
fn directories_that_docker_rejects_are_reported() {
    let app = ["tmp", "/", "/tmp", "/tmp"]
        .iter()
        .fold(app(8080), |app, path| app.with_writable_directory(*path));
    let path = "Resources.AppTaskDefinition.Properties.ContainerDefinitions[0].MountPoints";
    assert_eq!(
        errors_of(TaskDefinition::new(app)),
        format!(
            "{path}[0].ContainerPath: is `tmp`; expected an absolute path below /, without a colon\n\
             {path}[1].ContainerPath: is `/`; expected an absolute path below /, without a colon\n\
             {path}[3].ContainerPath: is `/tmp`, where another volume is mounted; each path is mounted once"
        )
    );
}
