//! Invalid templates: `check` and `up` reject them with the same errors, before anything is started.

use serde_json::{Value, json};

use crate::run::Run;
use crate::template::{changed, container, properties, service_connect_service};
use crate::workdir::Workdir;

/// Checks that `up` and `check` reject the changed template with exactly these diagnostics.
async fn assert_rejected(change: impl FnOnce(&mut Value), arguments: &[&str], diagnostics: &[&str]) {
    let workdir = Workdir::new();
    let file = changed(&workdir, change).display().to_string();
    let diagnostics = diagnostics.join("\n  ");
    let expected = format!("error: this template cannot be run locally\n  {diagnostics}\n");
    for verb in ["check", "up"] {
        let command = workdir.meshwright(&[&[verb, "--template", &file], arguments].concat());
        let ended = Run::to_end(&workdir, command).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{verb}: {ended:?}");
        assert_eq!(without_positions(&ended.stderr, &file), expected, "{verb}");
        workdir.assert_nothing_left();
    }
}

/// Errors without the file, line and column before their paths.
fn without_positions(stderr: &str, file: &str) -> String {
    let line = |line: &str| {
        let positioned = line.trim_start().strip_prefix(&format!("{file}:"));
        let path = positioned.and_then(|rest| rest.splitn(3, ':').nth(2));
        path.map_or_else(|| format!("{line}\n"), |path| format!("  {}\n", path.trim_start()))
    };
    stderr.lines().map(line).collect()
}

#[tokio::test]
async fn names_of_two_services() {
    assert_rejected(
        |template| service_connect_service(template, "Green")["DiscoveryName"] = json!("blue"),
        &[],
        &[
            "Resources.GreenService.Properties.ServiceConnectConfiguration.Services[0].DiscoveryName: `blue` is claimed \
           by service `blue` already; a discovery name is unique in its namespace",
        ],
    )
    .await;
    assert_rejected(
        |template| properties(template, "GreenService")["ServiceName"] = json!("blue"),
        &[],
        &[
            "Resources.GreenService.Properties.ServiceName: `blue` is already the name of Resources.BlueService.Properties",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_port_name_that_no_port_mapping_has() {
    assert_rejected(
        |template| service_connect_service(template, "Green")["PortName"] = json!("web"),
        &[],
        &[
            "Resources.GreenService.Properties.ServiceConnectConfiguration.Services[0].PortName: `web` is no port of \
           service `green`: its port mappings are named `http`",
        ],
    )
    .await;
}

#[tokio::test]
async fn an_unsupported_resource() {
    assert_rejected(
        |template| template["Resources"]["Set"] = json!({"Type": "AWS::ECS::TaskSet"}),
        &[],
        &[
            "Resources.Set.Type: `AWS::ECS::TaskSet` is not supported locally; supported are AWS::ECS::Cluster, \
           AWS::ECS::Service, AWS::ECS::TaskDefinition",
        ],
    )
    .await;
}

#[tokio::test]
async fn an_import_where_nothing_can_stand_in() {
    assert_rejected(
        |template| properties(template, "BlueService")["TaskDefinition"] = json!({"Fn::ImportValue": "shared"}),
        &[],
        &[
            "Resources.BlueService.Properties.TaskDefinition: `shared` is known only on AWS, and nothing can stand in for it \
             here; give it with --value 'shared=VALUE' or the template of the stack that exports it",
        ],
    )
    .await;
}

#[tokio::test]
async fn an_unknown_image() {
    assert_rejected(
        |template| container(template, "Green")["Image"] = json!("nginx:1"),
        &["--image", "team/app=true"],
        &[
            "Resources.GreenTaskDefinition.Properties.ContainerDefinitions[0].Image: is `nginx:1`, which has no local command; known images: meshwright/demo-service, team/app; set one with --image 'nginx:1=COMMAND', or run a stub in place of every unknown image with --stub",
            "--image team/app=true: the template has no such image; it has \
             000000000000.dkr.ecr.local.amazonaws.com/meshwright/demo-service:0.1.0, nginx:1",
        ],
    )
    .await;
}

#[tokio::test]
async fn containers_with_conflicting_ports() {
    assert_rejected(
        |template| {
            let twin = container(template, "Green").clone();
            let containers = &mut properties(template, "GreenTaskDefinition")["ContainerDefinitions"];
            containers.as_array_mut().expect("a list").push(twin);
        },
        &[],
        &[
            "Resources.GreenTaskDefinition.Properties.ContainerDefinitions[1].Name: `app` is already the name of \
             another container",
            "Resources.GreenTaskDefinition.Properties.ContainerDefinitions[1].PortMappings: 3000 is already a port of \
             container app",
        ],
    )
    .await;
}

#[tokio::test]
async fn an_error_shared_by_two_services_is_reported_once() {
    assert_rejected(
        |template| {
            let shared = properties(template, "BlueService")["TaskDefinition"].clone();
            properties(template, "GreenService")["TaskDefinition"] = shared;
            container(template, "Blue")["Image"] = json!("nginx");
        },
        &[],
        &[
            "Resources.BlueTaskDefinition.Properties.ContainerDefinitions[0].Image: is `nginx`, which has no local command; known images: meshwright/demo-service; set one with --image 'nginx=COMMAND', or run a stub in place of every unknown image with --stub",
        ],
    )
    .await;
    assert_rejected(
        |template| properties(template, "GreenService")["TaskDefinition"] = json!({"Ref": "Nope"}),
        &[],
        &[
            "Resources.GreenService.Properties.TaskDefinition: refers to `Nope`, which is neither a parameter nor a \
             resource",
        ],
    )
    .await;
}

#[tokio::test]
async fn names_that_escape_their_directory() {
    assert_rejected(
        |template| {
            properties(template, "GreenService")["ServiceName"] = json!("../../green");
            container(template, "Blue")["Name"] = json!("app/1");
        },
        &[],
        &[
            "Resources.BlueTaskDefinition.Properties.ContainerDefinitions[0].Name: is `app/1`; allowed are 1 to 255 of \
             a-z, A-Z, 0-9, _ and -",
            "Resources.GreenService.Properties.ServiceName: is `../../green`; allowed are 1 to 255 of a-z, A-Z, 0-9, _ \
             and -",
        ],
    )
    .await;
}

#[tokio::test]
async fn several_errors_are_reported_at_once() {
    assert_rejected(
        |template| {
            template["Parameters"]["Stage"] = json!({"Type": "String"});
            template["Resources"]["Set"] = json!({"Type": "AWS::ECS::TaskSet"});
            properties(template, "BlueService")["Cluster"] = json!({"Ref": "Clustr"});
            container(template, "Blue")["Image"] = json!("nginx");
            container(template, "Blue")["Environment"][0]["Value"] = json!({"Ref": "Stage"});
            service_connect_service(template, "Green")["DiscoveryName"] = json!("-green");
        },
        &["--parameter", "Stgae=test"],
        &[
            "Parameters.Stgae: the template has no such parameter; did you mean Stage?",
            "Parameters.Stage: needs a value: it has no default; give one with --parameter Stage=VALUE",
            "Resources.Set.Type: `AWS::ECS::TaskSet` is not supported locally; supported are AWS::ECS::Cluster, \
             AWS::ECS::Service, AWS::ECS::TaskDefinition",
            "Resources.BlueService.Properties.Cluster: refers to `Clustr`, which is neither a parameter nor a resource; did \
             you mean `Cluster`?",
            "Resources.BlueTaskDefinition.Properties.ContainerDefinitions[0].Image: is `nginx`, which has no local command; known images: meshwright/demo-service; set one with --image 'nginx=COMMAND', or run a stub in place of every unknown image with --stub",
            "Resources.GreenService.Properties.ServiceConnectConfiguration.Services[0].DiscoveryName: is `-green`; \
             allowed are 1 to 64 of a-z, 0-9, _ and -, not starting with -",
        ],
    )
    .await;
}

#[tokio::test]
async fn no_error_hides_another() {
    assert_rejected(
        |template| {
            template["Resources"]["Thing"] = json!({"Type": "AWS::AppMesh::Thing"});
            properties(template, "BlueService")["DesiredCount"] = json!(-1);
            service_connect_service(template, "Blue")["PortName"] = json!("htpp");
            let container = container(template, "Blue");
            container.as_object_mut().expect("an object").shift_remove("Image");
            container["PortMappings"][0]["AppProtocol"] = json!("htttp");
            container["Environment"][0]["Value"] = json!({"Ref": "Nothing"});
        },
        &[],
        &[
            "Resources.Thing.Type: `AWS::AppMesh::Thing` is not supported locally; supported are AWS::AppMesh::GatewayRoute, \
             AWS::AppMesh::Mesh, AWS::AppMesh::Route, AWS::AppMesh::VirtualGateway, AWS::AppMesh::VirtualNode, \
             AWS::AppMesh::VirtualRouter, AWS::AppMesh::VirtualService",
            "Resources.BlueService.Properties.DesiredCount: is -1; allowed is a whole number from 0 to 4294967295",
            "Resources.BlueTaskDefinition.Properties.ContainerDefinitions[0].Environment[0].Value: \
             refers to `Nothing`, which is neither a parameter nor a resource",
            "Resources.BlueTaskDefinition.Properties.ContainerDefinitions[0].Image: is missing",
            "Resources.BlueTaskDefinition.Properties.ContainerDefinitions[0].PortMappings[0].AppProtocol: is `htttp`; \
             allowed are http, http2 and grpc",
            "Resources.BlueService.Properties.ServiceConnectConfiguration.Services[0].PortName: `htpp` is no port of \
             service `blue`: its port mappings are named `http`",
        ],
    )
    .await;
}

#[tokio::test]
async fn an_unsupported_namespace_is_one_error() {
    assert_rejected(
        |template| template["Resources"]["Namespace"]["Type"] = json!("AWS::ServiceDiscovery::PublicDnsNamespace"),
        &[],
        &[
            "Resources.Namespace.Type: `AWS::ServiceDiscovery::PublicDnsNamespace` is not supported locally; supported are \
             AWS::ServiceDiscovery::HttpNamespace, AWS::ServiceDiscovery::Instance, \
             AWS::ServiceDiscovery::PrivateDnsNamespace, AWS::ServiceDiscovery::Service",
        ],
    )
    .await;
}

#[tokio::test]
async fn dangerous_names_and_numbers() {
    assert_rejected(
        |template| {
            properties(template, "BlueService")["DesiredCout"] = json!(3);
            properties(template, "GreenService")["DesiredCount"] = json!(100_000);
            properties(template, "GreenService")["ServiceConnectConfiguration"]["Enabled"] = json!("yes");
            container(template, "Blue")["HealthCheck"]["Interval"] = json!(1);
            container(template, "Blue")["DockerLabels"] = json!({"meshwright.port.300": "SERVICE_PORT"});
            container(template, "Green")["DockerLabels"] = json!({});
            container(template, "Green")["Environment"] = json!([]);
        },
        &[],
        &[
            "Resources.BlueService.Properties.DesiredCout: is not a property of AWS::ECS::Service; did you mean \
             DesiredCount?",
            "Resources.BlueTaskDefinition.Properties.ContainerDefinitions[0].HealthCheck.Interval: is 1; allowed is 5 \
             to 300",
            "Resources.BlueTaskDefinition.Properties.ContainerDefinitions[0].DockerLabels.meshwright.port.300: \
             matches no port of this container; did you mean meshwright.port.3000?",
            "Resources.GreenService.Properties.ServiceConnectConfiguration.Enabled: is \"yes\"; allowed is true or \
             false",
            "Resources.GreenTaskDefinition.Properties.ContainerDefinitions[0].DockerLabels: has no \
             label for port 3000, which is a different one for each local task; set the variable that contains it: \
             {\"meshwright.port.3000\": \"PORT\"}, or run with --network namespaces",
            "Resources.GreenService.Properties.DesiredCount: is 100000; at most 100 tasks can be run on one machine",
        ],
    )
    .await;
}

#[tokio::test]
async fn unused_image_options() {
    assert_rejected(
        |template| container(template, "Green")["Image"] = json!("team/app:1"),
        &[
            "--image",
            "other=ls",
            "--image",
            "team/app=nosuchprogram --port 1",
            "--image",
            "team/app:1=./nosuchfile",
        ],
        &[
            "--image other=ls: the template has no such image; it has \
             000000000000.dkr.ecr.local.amazonaws.com/meshwright/demo-service:0.1.0, team/app:1",
            "--image team/app=nosuchprogram --port 1: `nosuchprogram` is not a program: not found in PATH",
            "--image team/app:1=./nosuchfile: `./nosuchfile` is not a program: no such file, or not executable",
        ],
    )
    .await;
}
