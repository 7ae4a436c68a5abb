//! Envoy containers: selection, mesh resource, and errors.

use super::*;

/// The errors of a task with these two containers, in the mesh `m` with a virtual node `n` on port 8080.
fn errors_of(app: Json, envoy: Json, more: Json) -> String {
    let mut task = json!({"ContainerDefinitions": [app, envoy]});
    for (key, value) in more.as_object().expect("an object") {
        task[key] = value.clone();
    }
    let document = json!({"Resources": {
        "Mesh": {"Type": "AWS::AppMesh::Mesh", "Properties": {"MeshName": "m"}},
        "Node": {"Type": "AWS::AppMesh::VirtualNode", "Properties": {"MeshName": "m", "VirtualNodeName": "n", "Spec": {
            "Listeners": [{"PortMapping": {"Port": 8080, "Protocol": "http"}}],
            "ServiceDiscovery": {"DNS": {"Hostname": "n.m"}}}}},
        "Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": task},
        "Service": {"Type": "AWS::ECS::Service", "Properties": {"TaskDefinition": {"Ref": "Task"}}}
    }});
    let template = Template::from_json(&document.to_string()).expect("a template");
    read(&template, &images()).err().unwrap_or_default()
}

fn app() -> Json {
    json!({"Name": "app", "Image": "demo", "PortMappings": [{"ContainerPort": 8080}],
           "DockerLabels": {"meshwright.port.8080": "PORT"}})
}

fn envoy(variables: Json) -> Json {
    json!({"Name": "envoy", "Image": "envoyproxy/envoy", "Environment": variables})
}

fn envoy_of(variable: &str, value: Json) -> Json {
    envoy(json!([{"Name": variable, "Value": value}]))
}

const CONTAINER: &str = "Resources.Task.Properties.ContainerDefinitions";

#[test]
fn an_envoy_needs_a_mesh_resource() {
    let node = "mesh/m/virtualNode/n";
    for (envoy, expected) in [
        (envoy_of("APPMESH_RESOURCE_ARN", json!(node)), String::new()),
        (
            envoy_of("APPMESH_VIRTUAL_NODE_NAME", json!({"Ref": "Node"})),
            String::new(),
        ),
        (
            envoy(json!([
                {"Name": "APPMESH_RESOURCE_NAME", "Value": node},
                {"Name": "APPMESH_RESOURCE_ARN", "Value": ""}])),
            String::new(),
        ),
        (
            envoy(json!([])),
            format!(
                "{CONTAINER}[1].Environment: has no virtual node or virtual gateway for this Envoy; set \
                 APPMESH_RESOURCE_ARN to an ARN, mesh/MESH/virtualNode/NAME or mesh/MESH/virtualGateway/NAME"
            ),
        ),
        (
            envoy_of("APPMESH_RESOURCE_ARN", json!("n")),
            format!(
                "{CONTAINER}[1].Environment[0].Value: is `n`, which is not a virtual node or virtual gateway; expected \
                 an ARN, mesh/MESH/virtualNode/NAME or mesh/MESH/virtualGateway/NAME"
            ),
        ),
        (
            envoy_of("APPMESH_RESOURCE_ARN", json!("mesh/m/virtualNode/x")),
            format!(
                "{CONTAINER}[1].Environment[0].Value: is `mesh/m/virtualNode/x`, which is not in this template; known: {node}"
            ),
        ),
    ] {
        assert_eq!(errors_of(app(), envoy, json!({})), expected);
    }
}

#[test]
fn a_task_has_one_envoy() {
    let sidecar = envoy_of("APPMESH_RESOURCE_ARN", json!({"Ref": "Node"}));
    let mut second = app();
    second["Image"] = json!("public.ecr.aws/appmesh/aws-appmesh-envoy:v1");
    assert_eq!(
        errors_of(second, sidecar.clone(), json!({})).lines().next(),
        Some(format!("{CONTAINER}[1]: is a second Envoy besides `app`; a task has one").as_str())
    );
    let proxy = |name: &str| json!({"ProxyConfiguration": {"Type": "APPMESH", "ContainerName": name}});
    assert_eq!(errors_of(app(), sidecar.clone(), proxy("envoy")), "");
    assert_eq!(
        errors_of(app(), sidecar, proxy("prxy")),
        "Resources.Task.Properties.ProxyConfiguration.ContainerName: `prxy` is not a container of this task definition\n\
         Resources.Task.Properties.ContainerDefinitions[1].Image: is `envoyproxy/envoy`, which has no local command; known \
         images: demo; set one with --image 'envoyproxy/envoy=COMMAND', or run a stub in place of every unknown image with --stub"
    );
}

#[test]
fn a_virtual_nodes_listener_needs_a_container_port() {
    let mut app = app();
    app["PortMappings"][0]["ContainerPort"] = json!(80);
    app["DockerLabels"] = json!({"meshwright.port.80": "PORT"});
    assert_eq!(
        errors_of(app, envoy_of("APPMESH_RESOURCE_ARN", json!({"Ref": "Node"})), json!({})),
        format!("{CONTAINER}: the virtual node `n` listens on port 8080, which no container of this task has")
    );
}

#[test]
fn dependencies_on_the_envoy_are_validated_as_on_aws() {
    let mut app = app();
    app["DependsOn"] = json!([{"ContainerName": "envoy", "Condition": "HEALTHY"}]);
    let sidecar = envoy_of("APPMESH_RESOURCE_ARN", json!({"Ref": "Node"}));
    assert_eq!(
        errors_of(app, sidecar, json!({})),
        format!("{CONTAINER}[0].DependsOn[0]: waits for `envoy` to be HEALTHY, but `envoy` has no HealthCheck")
    );
}

#[test]
fn a_service_is_in_service_connect_or_in_a_mesh() {
    let mut containers = containers();
    let sidecar = envoy_of("APPMESH_RESOURCE_ARN", json!("mesh/m/virtualNode/n"));
    containers.as_array_mut().expect("a list").push(sidecar);
    let diagnostics = plan(&containers, &service()).map(drop).unwrap_err();
    assert_eq!(
        diagnostics,
        "Resources.BlueTask.Properties.ContainerDefinitions[1].Environment[0].Value: is `mesh/m/virtualNode/n`, which is \
         not in this template; known: none\n\
         Resources.Blue.Properties.ServiceConnectConfiguration: is not supported for tasks with an App Mesh Envoy, and \
         they have one: container `envoy`; use either Service Connect or a mesh"
    );
}

#[test]
fn the_port_variable_is_the_only_one_with_the_port_number() {
    let variable = |variables: Json, ports: Json| {
        let mut containers = containers();
        containers[0]["Environment"] = variables;
        containers[0]["PortMappings"] = ports;
        containers[0]["DockerLabels"] = json!({});
        let plan = plan(&containers, &service()).ok()?;
        plan.services[0].containers[0].ports[0].variable.clone()
    };
    let port = || json!([{"ContainerPort": 8080, "Name": "http"}]);
    let with_port = |name: &str| json!({"Name": name, "Value": "8080"});
    assert_eq!(variable(json!([with_port("PORT")]), port()), Some("PORT".to_owned()));
    assert_eq!(
        variable(json!([with_port("PORT"), with_port("ADMIN_PORT")]), port()),
        None
    );
    let two = json!([{"ContainerPort": 8080, "Name": "http"}, {"ContainerPort": 9090}]);
    assert_eq!(variable(json!([with_port("PORT")]), two), None);
}
