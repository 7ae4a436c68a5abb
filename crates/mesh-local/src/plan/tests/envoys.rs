//! Which Envoy a task has, and what is said of tasks whose Envoys belong to nothing.

use super::*;

/// The problems of a task with these two containers, in the mesh `m` with a virtual node `n` on port 8080.
fn problems_of(app: Json, envoy: Json, more: Json) -> String {
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

fn of(variable: &str, value: Json) -> Json {
    envoy(json!([{"Name": variable, "Value": value}]))
}

const CONTAINER: &str = "Resources.Task.Properties.ContainerDefinitions";

#[test]
fn an_envoy_must_belong_to_something() {
    let node = "mesh/m/virtualNode/n";
    for (envoy, expected) in [
        (of("APPMESH_RESOURCE_ARN", json!(node)), String::new()),
        (of("APPMESH_VIRTUAL_NODE_NAME", json!({"Ref": "Node"})), String::new()),
        (
            envoy(json!([
                {"Name": "APPMESH_RESOURCE_NAME", "Value": node},
                {"Name": "APPMESH_RESOURCE_ARN", "Value": ""}])),
            String::new(),
        ),
        (
            envoy(json!([])),
            format!(
                "{CONTAINER}[1].Environment: does not say which virtual node or virtual gateway this Envoy belongs to: set \
                 APPMESH_RESOURCE_ARN to an ARN, or mesh/MESH/virtualNode/NAME or mesh/MESH/virtualGateway/NAME"
            ),
        ),
        (
            of("APPMESH_RESOURCE_ARN", json!("n")),
            format!(
                "{CONTAINER}[1].Environment[0].Value: is `n`, which names no virtual node and no virtual gateway; allowed \
                 is an ARN, or mesh/MESH/virtualNode/NAME or mesh/MESH/virtualGateway/NAME"
            ),
        ),
        (
            of("APPMESH_RESOURCE_ARN", json!("mesh/m/virtualNode/x")),
            format!(
                "{CONTAINER}[1].Environment[0].Value: `mesh/m/virtualNode/x` is not in this template, which has: {node}"
            ),
        ),
    ] {
        assert_eq!(problems_of(app(), envoy, json!({})), expected);
    }
}

#[test]
fn a_task_has_one_envoy() {
    let sidecar = of("APPMESH_RESOURCE_ARN", json!({"Ref": "Node"}));
    let mut second = app();
    second["Image"] = json!("public.ecr.aws/appmesh/aws-appmesh-envoy:v1");
    assert_eq!(
        problems_of(second, sidecar.clone(), json!({})).lines().next(),
        Some(format!("{CONTAINER}[1]: is an Envoy, as `app` is; a task has one").as_str())
    );
    let proxy = |name: &str| json!({"ProxyConfiguration": {"Type": "APPMESH", "ContainerName": name}});
    assert_eq!(problems_of(app(), sidecar.clone(), proxy("envoy")), "");
    assert_eq!(
        problems_of(app(), sidecar, proxy("prxy")),
        "Resources.Task.Properties.ProxyConfiguration.ContainerName: `prxy` is no container of this task definition\n\
         Resources.Task.Properties.ContainerDefinitions[1].Image: what `envoyproxy/envoy` runs is not known here (known \
         are demo); say it with --image 'envoyproxy/envoy=COMMAND'"
    );
}

#[test]
fn a_virtual_node_listens_where_a_container_does() {
    let mut app = app();
    app["PortMappings"][0]["ContainerPort"] = json!(80);
    app["DockerLabels"] = json!({"meshwright.port.80": "PORT"});
    assert_eq!(
        problems_of(app, of("APPMESH_RESOURCE_ARN", json!({"Ref": "Node"})), json!({})),
        format!("{CONTAINER}: the virtual node `n` listens on port 8080, which none of these containers has")
    );
}

#[test]
fn waiting_for_an_envoy_is_judged_as_on_aws() {
    let mut app = app();
    app["DependsOn"] = json!([{"ContainerName": "envoy", "Condition": "HEALTHY"}]);
    let sidecar = of("APPMESH_RESOURCE_ARN", json!({"Ref": "Node"}));
    assert_eq!(
        problems_of(app, sidecar, json!({})),
        format!("{CONTAINER}[0].DependsOn[0]: waits for `envoy` to be HEALTHY, but it has no HealthCheck")
    );
}

#[test]
fn a_service_is_in_service_connect_or_in_a_mesh() {
    let mut containers = containers();
    let sidecar = of("APPMESH_RESOURCE_ARN", json!("mesh/m/virtualNode/n"));
    containers.as_array_mut().expect("a list").push(sidecar);
    let diagnostics = plan(&containers, &service()).map(drop).unwrap_err();
    assert_eq!(
        diagnostics,
        "Resources.BlueTask.Properties.ContainerDefinitions[1].Environment[0].Value: `mesh/m/virtualNode/n` is not in \
         this template, which has: none\n\
         Resources.Blue.Properties.ServiceConnectConfiguration: is for tasks without an Envoy of App Mesh, and they have \
         one: the container `envoy`. A service is either in Service Connect or in a mesh"
    );
}

#[test]
fn a_port_is_learned_from_the_only_variable_that_says_it() {
    let variable = |variables: Json, ports: Json| {
        let mut containers = containers();
        containers[0]["Environment"] = variables;
        containers[0]["PortMappings"] = ports;
        containers[0]["DockerLabels"] = json!({});
        let plan = plan(&containers, &service()).ok()?;
        plan.services[0].containers[0].ports[0].variable.clone()
    };
    let port = || json!([{"ContainerPort": 8080, "Name": "http"}]);
    let says = |name: &str| json!({"Name": name, "Value": "8080"});
    assert_eq!(variable(json!([says("PORT")]), port()), Some("PORT".to_owned()));
    assert_eq!(variable(json!([says("PORT"), says("ADMIN_PORT")]), port()), None);
    let two = json!([{"ContainerPort": 8080, "Name": "http"}, {"ContainerPort": 9090}]);
    assert_eq!(variable(json!([says("PORT")]), two), None);
}
