//! Alarms and dashboards.

use mesh_infra::{Autoscaling, LoadBalancer, Monitoring, Service, Stack, TaskDefinition, Template};
use serde_json::{Value as Json, json};

use crate::containers::checked;
use crate::deployable::{app, fixture};

const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:alarms";

/// A mesh with a service behind an application load balancer, one behind a network load balancer, and monitoring.
fn monitored(change: impl FnOnce(Monitoring) -> Monitoring) -> Stack {
    let mut stack = Stack::new("demo");
    let fixture = fixture(&mut stack);
    let control_plane = fixture.control_plane.clone();
    let web = stack.add("Web", LoadBalancer::application(&fixture.network, 8080));
    let tcp = stack.add("Tcp", LoadBalancer::network(&fixture.network, 8080));
    let service = || Service::new(&fixture.cluster, TaskDefinition::new(app(8080))).with_network(&fixture.network);
    let front = service()
        .with_load_balancer(&web)
        .with_autoscaling(Autoscaling::new(3, 9).with_cpu_target(60));
    let front = stack.add("front", front);
    let back = stack.add("back", service().with_load_balancer(&tcp).with_desired_count(2));
    let monitoring = Monitoring::new()
        .with_service(&front)
        .with_service(&back)
        .with_control_plane(&control_plane)
        .with_load_balancer(&web)
        .with_load_balancer(&tcp)
        .with_topic_arn(TOPIC);
    stack.add("Watch", change(monitoring));
    stack
}

fn alarms(template: &Template) -> Vec<(&str, &Json)> {
    let alarms = template
        .resources
        .iter()
        .filter(|(_, resource)| resource.kind == "AWS::CloudWatch::Alarm");
    alarms
        .map(|(id, resource)| (id.as_str(), &resource.properties))
        .collect()
}

#[test]
fn services_and_load_balancers_have_alarms_that_notify_a_topic() {
    let template = checked(&monitored(|monitoring| monitoring));
    let alarms = alarms(&template);
    let ids: Vec<&str> = alarms.iter().map(|(id, _)| *id).collect();
    assert_eq!(
        ids,
        [
            "WatchFrontServiceCpuAlarm",
            "WatchFrontServiceMemoryAlarm",
            "WatchFrontServiceTasksAlarm",
            "WatchBackServiceCpuAlarm",
            "WatchBackServiceMemoryAlarm",
            "WatchBackServiceTasksAlarm",
            "WatchControlPlaneServiceCpuAlarm",
            "WatchControlPlaneServiceMemoryAlarm",
            "WatchControlPlaneServiceTasksAlarm",
            "WatchWebLoadBalancerTargetsAlarm",
            "WatchWebLoadBalancerOwnErrorsAlarm",
            "WatchWebLoadBalancerTargetErrorsAlarm",
            "WatchWebLoadBalancerLatencyAlarm",
            "WatchTcpLoadBalancerTargetsAlarm",
        ]
    );
    for (id, alarm) in &alarms {
        assert_eq!(
            (&alarm["AlarmActions"], &alarm["OKActions"]),
            (&json!([TOPIC]), &json!([TOPIC])),
            "{id}"
        );
    }
    let of = |id: &str| &template.resources[id].properties;
    assert_eq!(
        of("WatchFrontServiceTasksAlarm")["Dimensions"],
        json!([
            {"Name": "ClusterName", "Value": {"Ref": "Cluster"}},
            {"Name": "ServiceName", "Value": {"Fn::GetAtt": ["FrontService", "Name"]}}
        ])
    );
    for (service, tasks) in [("Front", 3), ("Back", 2), ("ControlPlane", 2)] {
        let alarm = of(&format!("Watch{service}ServiceTasksAlarm"));
        assert_eq!(
            (&alarm["Threshold"], &alarm["Statistic"]),
            (&json!(tasks), &json!("SampleCount"))
        );
        assert_eq!(alarm["ComparisonOperator"], "LessThanThreshold");
        assert_eq!(alarm["TreatMissingData"], "breaching");
    }
    let latency = of("WatchWebLoadBalancerLatencyAlarm");
    assert_eq!(
        (&latency["ExtendedStatistic"], &latency["Threshold"]),
        (&json!("p99"), &json!(1.0))
    );
    assert_eq!(of("WatchTcpLoadBalancerTargetsAlarm")["Namespace"], "AWS/NetworkELB");
}

#[test]
fn the_dashboard_has_a_row_for_each() {
    let template = checked(&monitored(|monitoring| monitoring));
    let body = &template.resources["WatchDashboard"].properties["DashboardBody"]["Fn::Sub"];
    let body: Json = serde_json::from_str(body.as_str().unwrap()).unwrap();
    let widgets = body["widgets"].as_array().unwrap();
    let titles: Vec<&str> = widgets
        .iter()
        .map(|widget| widget["properties"]["title"].as_str().unwrap())
        .collect();
    assert_eq!(titles.len(), 15);
    assert_eq!(
        titles[0..3],
        [
            "FrontService: CPU, %",
            "FrontService: memory, %",
            "FrontService: running tasks"
        ]
    );
    assert_eq!(
        titles[9..12],
        [
            "WebLoadBalancer: requests a minute",
            "WebLoadBalancer: latency, s",
            "WebLoadBalancer: targets"
        ]
    );
    assert_eq!(
        widgets[2]["properties"]["metrics"][0],
        json!(["AWS/ECS", "CPUUtilization", "ClusterName", "${Cluster}", "ServiceName", "${FrontService.Name}",
            {"stat": "SampleCount", "label": "tasks"}])
    );
    assert_eq!((&widgets[5]["x"], &widgets[5]["y"]), (&json!(16), &json!(6)));
}

#[test]
fn thresholds_can_be_changed_and_the_dashboard_left_out() {
    let template = checked(&monitored(|monitoring| {
        monitoring
            .without_dashboard()
            .with_cpu_threshold(50)
            .with_memory_threshold(60)
            .with_errors_threshold(1)
            .with_latency_threshold(250)
    }));
    assert_eq!(template.resource_count("AWS::CloudWatch::Dashboard"), 0);
    for (id, threshold) in [
        ("WatchFrontServiceCpuAlarm", json!(50)),
        ("WatchFrontServiceMemoryAlarm", json!(60)),
        ("WatchWebLoadBalancerOwnErrorsAlarm", json!(1)),
        ("WatchWebLoadBalancerLatencyAlarm", json!(0.25)),
    ] {
        assert_eq!(template.resources[id].properties["Threshold"], threshold, "{id}");
    }
}

#[test]
fn monitoring_that_cannot_work_is_reported() {
    let mut stack = monitored(|monitoring| monitoring.with_topic_arn("alarms").with_cpu_threshold(101));
    stack.add("Empty", Monitoring::new());
    assert_eq!(
        stack.synth().unwrap_err().to_string(),
        "Resources.WatchDashboard: notifies `alarms`; expected the ARN of a topic: arn:aws:sns:REGION:ACCOUNT:NAME\n\
         Resources.WatchDashboard: has a threshold of 101 %; allowed is 1 to 100\n\
         Resources.EmptyDashboard: monitors nothing; add Monitoring::with_service or with_load_balancer"
    );
}
