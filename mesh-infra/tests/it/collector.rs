//! OpenTelemetry collectors of tasks.

use mesh_infra::{OtelCollector, Service, Stack, TaskDefinition};
use serde_json::{Value as Json, json};

use crate::containers::{checked, template_of};
use crate::deployable::{app, container, fixture, node, variable};
use crate::roles::statements;

#[test]
fn applications_and_the_envoy_send_telemetry_to_the_collector() {
    let mut stack = Stack::new("mesh");
    let fixture = fixture(&mut stack);
    let blue = stack.add("blue", node(&fixture, "blue", 80));
    let task = TaskDefinition::new(app(80)).with_otel_collector(OtelCollector::new());
    let service = Service::new(&fixture.cluster, task)
        .with_name("blue")
        .with_network(&fixture.network)
        .with_virtual_node(&blue)
        .with_service_discovery(&fixture.namespace);
    stack.add("blue", service);
    let template = checked(&stack);
    let of = |name| container(&template, "BlueTaskDefinition", name);
    assert_eq!(
        variable(of("app"), "OTEL_EXPORTER_OTLP_ENDPOINT"),
        Some("http://127.0.0.1:4318")
    );
    assert_eq!(
        variable(of("app"), "OTEL_EXPORTER_OTLP_PROTOCOL"),
        Some("http/protobuf")
    );

    let bootstrap: Json = serde_json::from_str(of("envoy")["Command"][1].as_str().unwrap()).unwrap();
    assert_eq!(
        bootstrap["node"]["metadata"]["meshwright"]["collector"],
        "127.0.0.1:4317"
    );
    let clusters = bootstrap["static_resources"]["clusters"].as_array().unwrap();
    assert!(
        clusters.iter().any(|cluster| cluster["name"] == "collector"),
        "{clusters:?}"
    );

    let collector = of("otel-collector");
    assert_eq!(collector["Essential"], false);
    assert_eq!(collector["ReadonlyRootFilesystem"], true);
    assert_eq!(
        collector["Command"],
        json!(["--config=/etc/ecs/ecs-default-config.yaml"])
    );
    assert_eq!(collector["HealthCheck"]["Command"], json!(["CMD", "/healthcheck"]));
    assert_eq!(variable(collector, "OTEL_EXPORTER_OTLP_ENDPOINT"), None);
    let allowed = statements(&template, "BlueTaskRole");
    assert_eq!(allowed[0]["Resource"], "*");
    assert!(
        allowed[0]["Action"]
            .as_array()
            .unwrap()
            .contains(&json!("xray:PutTraceSegments"))
    );
    assert_eq!(
        allowed[1]["Resource"],
        json!({"Fn::Sub": "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/ecs/application/metrics:*"})
    );
}

#[test]
fn an_envoy_without_a_collector_traces_nothing() {
    let template = crate::deployable::template();
    let envoy = container(&template, "BlueTaskDefinition", "envoy");
    // A mapping has the text that the Envoys of the template share.
    let evaluator = cfn::evaluate::Evaluator::new(&template, cfn::evaluate::NothingKnown);
    let command = evaluator.evaluate(&envoy["Command"]);
    let text = command.known().and_then(|command| command[1].as_str()).unwrap();
    let bootstrap: Json = serde_json::from_str(text).unwrap();
    let metadata = &bootstrap["node"]["metadata"]["meshwright"];
    assert_eq!((metadata.is_object(), metadata.get("collector")), (true, None));
}

#[test]
fn a_collector_with_its_own_configuration_has_no_permissions() {
    let inline = OtelCollector::new().with_config("receivers: {}").with_essential(true);
    let template = template_of(TaskDefinition::new(app(80)).with_otel_collector(inline));
    let collector = container(&template, "AppTaskDefinition", "otel-collector");
    assert_eq!(variable(collector, "AOT_CONFIG_CONTENT"), Some("receivers: {}"));
    assert_eq!(
        (&collector["Essential"], collector.get("Command")),
        (&json!(true), None)
    );
    assert!(!template.resources.contains_key("AppTaskRole"));

    let stored = OtelCollector::new()
        .with_image("team/adot:1")
        .with_config_parameter("/team/otel");
    let template = template_of(TaskDefinition::new(app(80)).with_otel_collector(stored));
    let collector = container(&template, "AppTaskDefinition", "otel-collector");
    let arn = json!({"Fn::Sub": "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/team/otel"});
    assert_eq!(
        collector["Secrets"],
        json!([{"Name": "AOT_CONFIG_CONTENT", "ValueFrom": arn}])
    );
    assert!(
        statements(&template, "AppExecutionRole")
            .contains(&json!({"Effect": "Allow", "Action": "ssm:GetParameters", "Resource": arn}))
    );
}

#[test]
fn a_container_with_an_exporter_of_its_own_keeps_it() {
    let app = app(80).with_environment("OTEL_EXPORTER_OTLP_ENDPOINT", "http://own:4318");
    let template = template_of(TaskDefinition::new(app).with_otel_collector(OtelCollector::new()));
    let app = container(&template, "AppTaskDefinition", "app");
    assert_eq!(variable(app, "OTEL_EXPORTER_OTLP_ENDPOINT"), Some("http://own:4318"));
}
