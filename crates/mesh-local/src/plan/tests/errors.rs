//! Templates with several errors: each is reported exactly once.

use super::*;

const CONTAINER: &str = "Resources.BlueTask.Properties.ContainerDefinitions[0]";
const SERVICE: &str = "Resources.Blue.Properties";

/// Checks that exactly these errors result from `change`.
fn assert_errors(change: impl FnOnce(&mut Json, &mut Json), expected: &[String]) {
    let (mut containers, mut service) = (containers(), service());
    change(&mut containers[0], &mut service);
    let diagnostics = plan(&containers, &service).map(drop).unwrap_err();
    assert_eq!(diagnostics.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn all_errors_of_a_template_are_reported() {
    let mut containers = containers();
    containers[0]["Environment"][0]["Value"] = json!({"Ref": "Nothing"});
    containers[0]["PortMappings"][0]["AppProtocol"] = json!("htttp");
    containers[0].as_object_mut().expect("an object").shift_remove("Image");
    let mut service = service();
    service["DesiredCount"] = json!(-1);
    service["ServiceConnectConfiguration"]["Services"][0]["PortName"] = json!("htpp");
    let mut template = template(json!({ "ContainerDefinitions": containers }), service);
    let set = mesh_infra::Resource::new("AWS::ECS::TaskSet", json!({}));
    template.resources.insert("Set".to_owned(), set);
    let diagnostics = read(&template, &images()).unwrap_err();
    let paths: Vec<&str> = diagnostics
        .lines()
        .filter_map(|line| Some(line.split_once(": ")?.0))
        .collect();
    assert_eq!(
        paths,
        [
            "Resources.Set.Type",
            &format!("{SERVICE}.DesiredCount"),
            &format!("{CONTAINER}.Environment[0].Value"),
            &format!("{CONTAINER}.Image"),
            &format!("{CONTAINER}.PortMappings[0].AppProtocol"),
            &format!("{SERVICE}.ServiceConnectConfiguration.Services[0].PortName"),
        ]
    );
}

#[test]
fn consequences_of_an_error_are_not_reported() {
    let mut template = template(json!({ "ContainerDefinitions": containers() }), service());
    template.resources["Namespace"].kind = "AWS::ServiceDiscovery::PublicDnsNamespace".to_owned();
    let diagnostics = read(&template, &images()).unwrap_err();
    assert!(diagnostics.starts_with("Resources.Namespace.Type: "), "{diagnostics}");
    assert_eq!(diagnostics.lines().count(), 1, "{diagnostics}");

    let import = || json!({"Fn::Sub": ["${x}", {"x": {"Fn::ImportValue": "x"}}]});
    for (property, change) in [
        ("Name", json!({"Name": import()})),
        ("PortMappings", json!({"PortMappings": import()})),
        (
            "PortMappings[0].Name",
            json!({"PortMappings": [{"ContainerPort": 3000, "Name": import()}]}),
        ),
        ("DockerLabels", json!({"DockerLabels": import()})),
        ("HealthCheck", json!({"HealthCheck": import()})),
    ] {
        let mut containers = containers();
        for (key, value) in change.as_object().expect("an object") {
            containers[0][key] = value.clone();
        }
        let diagnostics = plan(&containers, &service()).map(drop).unwrap_err();
        assert!(
            diagnostics.starts_with(&format!("{CONTAINER}.{property}: ")),
            "{diagnostics}"
        );
        assert_eq!(diagnostics.lines().count(), 1, "{diagnostics}");
    }
    for property in ["TaskDefinition", "ServiceConnectConfiguration"] {
        let mut service = service();
        service[property] = import();
        let diagnostics = plan(&containers(), &service).map(drop).unwrap_err();
        assert!(
            diagnostics.starts_with(&format!("{SERVICE}.{property}: `x` is known only on AWS")),
            "{diagnostics}"
        );
        assert_eq!(diagnostics.lines().count(), 1, "{diagnostics}");
    }
}

#[test]
fn unknown_property_names_are_rejected_with_a_suggestion() {
    const TASK: &str = "AWS::ECS::TaskDefinition";
    assert_errors(
        |container, service| {
            container["Enviroment"] = json!([]);
            container["PortMapping"] = container["PortMappings"].take();
            container
                .as_object_mut()
                .expect("an object")
                .shift_remove("PortMappings");
            container["PortMapping"][0]["ContainrPort"] = json!(3000);
            container["PortMapping"][0]
                .as_object_mut()
                .expect("an object")
                .shift_remove("ContainerPort");
            container["Colour"] = json!("blue");
            service["DesiredCout"] = json!(2);
            service["ServiceConectConfiguration"] = json!({"Enabled": false});
        },
        &[
            format!("{SERVICE}.DesiredCout: is not a property of AWS::ECS::Service; did you mean DesiredCount?"),
            format!(
                "{SERVICE}.ServiceConectConfiguration: is not a property of AWS::ECS::Service; did you mean \
                 ServiceConnectConfiguration?"
            ),
            format!(
                "{CONTAINER}.Enviroment: is not a property of {TASK}.ContainerDefinition; did you mean Environment?"
            ),
            format!(
                "{CONTAINER}.PortMapping: is not a property of {TASK}.ContainerDefinition; did you mean PortMappings?"
            ),
            format!("{CONTAINER}.Colour: is not a property of {TASK}.ContainerDefinition"),
            format!(
                "{CONTAINER}.PortMappings[0].ContainrPort: is not a property of {TASK}.PortMapping; did you mean \
                 ContainerPort?"
            ),
        ],
    );
}

#[test]
fn errors_never_disable_service_connect() {
    let path = format!("{SERVICE}.ServiceConnectConfiguration");
    assert_errors(
        |_, service| {
            service["ServiceConnectConfiguration"] = json!({"Services": [{"PortName": "htpp"}, {}]});
        },
        &[
            format!("{path}.Services[1].PortName: is missing"),
            format!("{path}.Enabled: is missing"),
            format!(
                "{path}.Services[0].PortName: `htpp` is no port of service `demo-Blue`: its port mappings are named `http`"
            ),
        ],
    );
    assert_errors(
        |_, service| service["ServiceConnectConfiguration"]["Enabled"] = json!("yes"),
        &[format!("{path}.Enabled: is \"yes\"; allowed is true or false")],
    );
}

#[test]
fn properties_without_a_value_are_rejected() {
    for property in [
        "Cluster",
        "DesiredCount",
        "TaskDefinition",
        "ServiceConnectConfiguration",
    ] {
        assert_errors(
            |_, service| service[property] = Json::Null,
            &[format!("{SERVICE}.{property}: has no value; give it one or remove it")],
        );
    }
}

#[test]
fn properties_without_local_meaning_are_listed_once() {
    let mut containers = containers();
    containers[0]["Secrets"] = json!([{"Name": "A", "ValueFrom": "arn"}]);
    containers[0]["Cpu"] = json!(256);
    let plan = plan(&containers, &service()).unwrap();
    let path = format!("{CONTAINER}.Secrets: A");
    assert_eq!(plan.not_simulated[1..], [(path, "property".to_owned())]);
}

#[test]
fn ports_need_a_label() {
    let labels = format!("{CONTAINER}.DockerLabels");
    for (label, hint) in [
        ("meshwright.port.300", "did you mean meshwright.port.3000?"),
        ("meshwright.prt.3000", "did you mean meshwright.port.3000?"),
        ("meshwright.color", "its port labels are meshwright.port.3000"),
    ] {
        assert_errors(
            |container, _| container["DockerLabels"] = json!({label: "PORT", "team.example/owner": "blue"}),
            &[format!("{labels}.{label}: matches no port of this container; {hint}")],
        );
    }
    assert_errors(
        |container, _| container["DockerLabels"] = json!({}),
        &[format!(
            "{labels}: has no label for port 3000, which is a different one for each local task; set the variable that \
             contains it: {{\"meshwright.port.3000\": \"PORT\"}}, or run with --network namespaces"
        )],
    );
}

#[test]
fn numbers_are_limited() {
    let check = format!("{CONTAINER}.HealthCheck");
    assert_errors(
        |container, service| {
            container["HealthCheck"] =
                json!({"Command": ["CMD", "x"], "Interval": 1, "Timeout": 61, "Retries": 0, "StartPeriod": 301});
            service["DesiredCount"] = json!(100_000);
        },
        &[
            format!("{check}.Interval: is 1; allowed is 5 to 300"),
            format!("{check}.Timeout: is 61; allowed is 2 to 60"),
            format!("{check}.Retries: is 0; allowed is 1 to 10"),
            format!("{check}.StartPeriod: is 301; allowed is 0 to 300"),
            format!("{SERVICE}.DesiredCount: is 100000; at most 100 tasks can be run on one machine"),
        ],
    );
    let mut none = service();
    none["DesiredCount"] = json!(0);
    assert_eq!(plan(&containers(), &none).unwrap().services[0].desired_count, 0);
}

#[test]
fn tasks_are_counted_over_all_services() {
    let mut template = template(json!({ "ContainerDefinitions": containers() }), service());
    template.resources["Blue"].properties["DesiredCount"] = json!(60);
    let mut second = template.resources["Blue"].clone();
    second.properties["ServiceConnectConfiguration"] = json!({"Enabled": false});
    template.resources.insert("Green".to_owned(), second);
    assert_eq!(
        read(&template, &images()).unwrap_err(),
        "Resources.Green.Properties.DesiredCount: is 60, for 120 tasks in total; at most 100 tasks can be run on \
         one machine"
    );
}

#[test]
fn image_names_are_collected_from_templates() {
    let names = |containers: Json| {
        let template = template(json!({ "ContainerDefinitions": containers }), service());
        Plan::image_names(&[stack(&template, &BTreeMap::new())], &StackEnvironment::default())
    };
    let found = names(json!([{"Image": "a:1"}, {"Image": {"Fn::Sub": "b"}}]));
    assert_eq!(found, Some(BTreeSet::from(["a:1".to_owned(), "b".to_owned()])));
    assert_eq!(names(json!([{"Image": {"Ref": "Nothing"}}])), None);
}

#[test]
fn a_parameter_without_a_value_causes_one_error() {
    let template = "
Parameters: {WorkloadName: {Type: String}}
Resources:
  Ns: {Type: AWS::ServiceDiscovery::HttpNamespace, Properties: {Name: demo}}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
        - {Name: !Ref WorkloadName, Image: demo, PortMappings: [{ContainerPort: 80, Name: http}], DockerLabels: {meshwright.port.80: PORT}}
  Service:
    Type: AWS::ECS::Service
    Properties:
      ServiceName: !Ref WorkloadName
      TaskDefinition: !Ref Task
      ServiceConnectConfiguration:
        Enabled: true
        Namespace: demo
        Services: [{PortName: http, DiscoveryName: !Ref WorkloadName, ClientAliases: [{Port: 80, DnsName: !Ref WorkloadName}]}]
";
    let template = Template::from_yaml(template).expect("a template");
    let errors = read(&template, &images()).map(|_| ());
    let expected =
        "Parameters.WorkloadName: needs a value: it has no default; give one with --parameter WorkloadName=VALUE";
    assert_eq!(errors, Err(expected.to_owned()));
}
