//! Log drivers and log routers.

use mesh_infra::{CapacityProvider, Cluster, LogDriver, LogRouter, Network, Secret, Service, Stack, TaskDefinition};
use serde_json::json;

use crate::containers::{checked, errors_of, template_of};
use crate::deployable::{app, container, fixture, node};
use crate::roles::statements;

const TOKEN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:splunk-AbCdEf";

#[test]
fn awslogs_with_options_writes_to_the_group_of_the_service() {
    let driver = LogDriver::awslogs()
        .with_option("mode", "non-blocking")
        .with_option("awslogs-stream-prefix", "own");
    let template = template_of(TaskDefinition::new(app(8080).with_log_driver(driver)));
    assert_eq!(
        container(&template, "AppTaskDefinition", "app")["LogConfiguration"],
        json!({"LogDriver": "awslogs", "Options": {
            "awslogs-group": {"Ref": "AppLogGroup"},
            "awslogs-region": {"Ref": "AWS::Region"},
            "awslogs-stream-prefix": "own",
            "mode": "non-blocking"
        }})
    );
}

#[test]
fn awslogs_with_a_group_of_another_stack_may_write_to_it_alone() {
    let driver = LogDriver::awslogs().with_option("awslogs-group", "/team/logs");
    let template = template_of(TaskDefinition::new(app(8080).with_log_driver(driver)));
    assert!(!template.resources.contains_key("AppLogGroup"));
    assert_eq!(
        container(&template, "AppTaskDefinition", "app")["LogConfiguration"]["Options"],
        json!({
            "awslogs-region": {"Ref": "AWS::Region"},
            "awslogs-stream-prefix": "app",
            "awslogs-group": "/team/logs"
        })
    );
    let arn = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/team/logs:*";
    assert_eq!(
        statements(&template, "AppExecutionRole")[0],
        json!({"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": {"Fn::Sub": arn}})
    );
}

#[test]
fn splunk_has_its_token_from_a_secret() {
    let driver = LogDriver::splunk("https://splunk.example.com:8088", Secret::secrets_manager(TOKEN));
    let template = template_of(TaskDefinition::new(app(8080).with_log_driver(driver)));
    assert!(!template.resources.contains_key("AppLogGroup"));
    assert_eq!(
        container(&template, "AppTaskDefinition", "app")["LogConfiguration"],
        json!({
            "LogDriver": "splunk",
            "Options": {"splunk-url": "https://splunk.example.com:8088"},
            "SecretOptions": [{"Name": "splunk-token", "ValueFrom": TOKEN}]
        })
    );
    assert!(
        statements(&template, "AppExecutionRole")
            .contains(&json!({"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": TOKEN}))
    );
}

#[test]
fn a_log_router_receives_the_output_of_all_containers() {
    let mut stack = Stack::new("mesh");
    let fixture = fixture(&mut stack);
    let blue = stack.add("blue", node(&fixture, "blue", 80));
    let output = LogDriver::firelens()
        .with_option("Name", "firehose")
        .with_option("delivery_stream", "logs");
    let stream = "arn:aws:firehose:eu-west-1:123456789012:deliverystream/logs";
    let task = TaskDefinition::new(app(80))
        .with_log_router(LogRouter::new().with_default(output))
        .with_task_permission(["firehose:PutRecordBatch"], [stream]);
    let service = Service::new(&fixture.cluster, task)
        .with_name("blue")
        .with_network(&fixture.network)
        .with_virtual_node(&blue)
        .with_service_discovery(&fixture.namespace);
    stack.add("blue", service);
    let template = checked(&stack);
    for name in ["app", "envoy"] {
        assert_eq!(
            container(&template, "BlueTaskDefinition", name)["LogConfiguration"],
            json!({"LogDriver": "awsfirelens", "Options": {"Name": "firehose", "delivery_stream": "logs"}}),
            "{name}"
        );
    }
    let router = container(&template, "BlueTaskDefinition", "log-router");
    assert_eq!(
        router["FirelensConfiguration"],
        json!({"Type": "fluentbit", "Options": {"enable-ecs-log-metadata": "true"}})
    );
    assert_eq!(
        router["LogConfiguration"]["Options"]["awslogs-group"],
        json!({"Ref": "BlueLogGroup"})
    );
    assert_eq!((&router["Essential"], &router["User"]), (&json!(true), &json!("0")));
    assert_eq!(
        statements(&template, "BlueTaskRole"),
        [json!({"Effect": "Allow", "Action": "firehose:PutRecordBatch", "Resource": stream})]
    );
}

#[test]
fn a_router_without_a_default_is_for_the_containers_that_use_it() {
    let output = LogDriver::firelens()
        .with_option("Name", "datadog")
        .with_secret_option("apikey", Secret::secrets_manager(TOKEN));
    let router = LogRouter::new()
        .with_image("team/fluent-bit:1")
        .with_config_file("/fluent-bit/etc/own.conf")
        .with_ecs_metadata(false)
        .with_essential(false);
    let task = TaskDefinition::new(app(8080))
        .with_container(mesh_infra::Container::new("other", "team/other:1").with_log_driver(output))
        .with_log_router(router);
    let template = template_of(task);
    let driver = |name| &container(&template, "AppTaskDefinition", name)["LogConfiguration"]["LogDriver"];
    assert_eq!(
        (driver("app"), driver("other")),
        (&json!("awslogs"), &json!("awsfirelens"))
    );
    let router = container(&template, "AppTaskDefinition", "log-router");
    assert_eq!(
        router["FirelensConfiguration"]["Options"],
        json!({
            "enable-ecs-log-metadata": "false",
            "config-file-type": "file",
            "config-file-value": "/fluent-bit/etc/own.conf"
        })
    );
}

#[test]
fn drivers_that_do_not_work_are_reported() {
    let path = "Resources.AppTaskDefinition.Properties.ContainerDefinitions[0].LogConfiguration";
    assert_eq!(
        errors_of(TaskDefinition::new(
            app(8080).with_log_driver(LogDriver::named("json-file"))
        )),
        format!("{path}.LogDriver: is `json-file`; Fargate has the log drivers awslogs, splunk, awsfirelens")
    );
    assert_eq!(
        errors_of(TaskDefinition::new(app(8080).with_log_driver(LogDriver::firelens()))),
        format!(
            "{path}.LogDriver: is `awsfirelens`, but the task has no log router; add one by TaskDefinition::with_log_router"
        )
    );
    let twice = LogDriver::splunk("https://splunk.example.com", Secret::secrets_manager(TOKEN))
        .with_option("splunk-token", "a");
    assert_eq!(
        errors_of(TaskDefinition::new(app(8080).with_log_driver(twice))),
        format!("{path}.SecretOptions[0]: sets `splunk-token`, which is set already; each option is set once")
    );
}

#[test]
fn other_drivers_work_on_instances() {
    let mut stack = Stack::new("demo");
    let network = Network::in_subnets(["subnet-0123456789abcdef0"]).with_vpc_id("vpc-0123456789abcdef0");
    let network = stack.add("Network", network);
    let cluster = stack.add("Cluster", Cluster::new().with_capacity_providers(["machines"]));
    let task =
        TaskDefinition::new(app(8080).with_log_driver(LogDriver::named("json-file").with_option("max-size", "10m")));
    let service = Service::new(&cluster, task)
        .with_network(&network)
        .with_capacity_providers([CapacityProvider::ec2("machines")]);
    stack.add("app", service);
    let template = checked(&stack);
    assert_eq!(
        container(&template, "AppTaskDefinition", "app")["LogConfiguration"],
        json!({"LogDriver": "json-file", "Options": {"max-size": "10m"}})
    );
}

#[test]
fn a_second_router_is_reported() {
    let task = TaskDefinition::new(app(8080)).with_log_router(LogRouter::new());
    let mut stack = crate::containers::stack_of(task, |_, _, service| service);
    let path = "ContainerDefinitions[0].FirelensConfiguration";
    stack.override_property("AppTaskDefinition", path, json!({"Type": "fluentbit"}));
    let errors = stack.synth().unwrap_err().to_string();
    assert_eq!(
        errors,
        "Resources.AppTaskDefinition.Properties.ContainerDefinitions[1].FirelensConfiguration: is in a task that has another \
         log router; a task has at most one"
    );
}
