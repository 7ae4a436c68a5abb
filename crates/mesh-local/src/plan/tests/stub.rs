//! Stub containers for unknown images.

use super::*;

fn with_stub(definitions: Json) -> Result<Plan, String> {
    let stub = Image::new(["stub"]).with_program("stub", ["stub"]);
    let template = template(
        json!({ "ContainerDefinitions": definitions }),
        json!({"TaskDefinition": {"Ref": "BlueTask"}, "ServiceName": "blue"}),
    );
    read(&template, &images().with_stub(stub, "STUB_PORT"))
}

#[test]
fn a_stub_listens_on_the_first_port_with_the_services_name() {
    let plan = with_stub(json!([{
        "Name": "app", "Image": "team/unknown:1", "Command": ["serve"], "EntryPoint": ["/bin/app"],
        "PortMappings": [{"ContainerPort": 8080}, {"ContainerPort": 9090}],
        "DockerLabels": {"meshwright.port.8080": "PORT"},
        "HealthCheck": {"Command": ["CMD-SHELL", "curl -f localhost:8080"]}
    }]))
    .unwrap();
    let app = &plan.services[0].containers[0];
    assert!(app.is_stub);
    assert_eq!(app.image, Image::new(["stub"]).with_program("stub", ["stub"]));
    assert_eq!((&app.command, &app.entry_point), (&Vec::new(), &Vec::new()));
    assert_eq!(app.environment["SERVICE_NAME"], "blue");
    let variables: Vec<Option<&str>> = app.ports.iter().map(|port| port.variable.as_deref()).collect();
    assert_eq!(variables, [Some("STUB_PORT"), None]);
    assert_eq!(app.health_check, None);
    let path = "Resources.BlueTask.Properties.ContainerDefinitions[0]";
    let listed: Vec<&str> = plan.not_simulated[1..].iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        listed,
        [
            format!("{path}.HealthCheck"),
            format!("{path}.Command"),
            format!("{path}.EntryPoint")
        ]
    );
}

#[test]
fn stubs_keep_their_health_check_and_name() {
    let plan = with_stub(json!([
        {"Name": "app", "Image": "team/unknown", "PortMappings": [{"ContainerPort": 80}],
         "Environment": [{"Name": "SERVICE_NAME", "Value": "shop"}],
         "HealthCheck": {"Command": ["CMD", "stub", "health"]}},
        {"Name": "known", "Image": "demo", "DependsOn": [
            {"ContainerName": "app", "Condition": "HEALTHY"}, {"ContainerName": "setup", "Condition": "SUCCESS"}]},
        {"Name": "setup", "Image": "team/setup", "Essential": false}
    ]))
    .unwrap();
    let containers = &plan.services[0].containers;
    let names: Vec<&str> = containers.iter().map(|container| container.name.as_str()).collect();
    assert_eq!(names, ["app", "known"]);
    assert_eq!(containers[0].environment["SERVICE_NAME"], "shop");
    assert!(containers[0].health_check.is_some());
    assert_eq!(containers[1].depends_on, [("app".to_owned(), Condition::Healthy)]);
    let left_out = (
        "Resources.BlueTask.Properties.ContainerDefinitions[2]".to_owned(),
        "container".to_owned(),
    );
    assert!(plan.not_simulated.contains(&left_out));
}

#[test]
fn stubs_do_not_support_udp() {
    let plan = with_stub(json!([
        {"Name": "app", "Image": "team/unknown",
         "PortMappings": [{"ContainerPort": 53, "Protocol": "udp"}, {"ContainerPort": 9080, "Protocol": "http"}]},
        {"Name": "xray", "Image": "public.ecr.aws/xray/aws-xray-daemon",
         "PortMappings": [{"ContainerPort": 2000, "Protocol": "udp"}]}
    ]))
    .unwrap();
    let containers = &plan.services[0].containers;
    assert_eq!(containers.len(), 1);
    let ports: Vec<u16> = containers[0]
        .ports
        .iter()
        .map(|port| port.mapping.container_port)
        .collect();
    assert_eq!(ports, [9080]);
    assert_eq!(containers[0].ports[0].variable.as_deref(), Some("STUB_PORT"));
    let path = "Resources.BlueTask.Properties.ContainerDefinitions";
    let listed: Vec<&str> = plan.not_simulated[1..].iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        listed,
        [
            format!("{path}[0].PortMappings[0]"),
            format!("{path}[0].PortMappings[1].Protocol"),
            format!("{path}[1]")
        ]
    );
}
