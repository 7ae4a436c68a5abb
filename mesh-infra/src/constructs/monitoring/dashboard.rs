//! The dashboard: a row of charts for each service and load balancer.

use serde_json::{Value as Json, json};

use super::metric::Metric;
use crate::constructs::{LoadBalancerHandle, ServiceHandle};

/// A third of a dashboard's width, in its own units.
const WIDTH: usize = 8;
/// The height of a chart.
const HEIGHT: usize = 6;

/// The body, as the text of an `Fn::Sub`. Source: CloudWatch user guide, "Dashboard body structure and syntax" (read
/// 2026-11-30).
pub(super) fn body(services: &[ServiceHandle], load_balancers: &[LoadBalancerHandle]) -> String {
    let services = services.iter().map(of_service);
    let rows = services.chain(load_balancers.iter().map(of_load_balancer));
    let widgets = rows.enumerate().flat_map(|(row, charts)| {
        charts.into_iter().enumerate().map(move |(column, (title, metrics))| {
            json!({
                "type": "metric",
                "x": column * WIDTH,
                "y": row * HEIGHT,
                "width": WIDTH,
                "height": HEIGHT,
                "properties": {
                    "title": title,
                    "region": "${AWS::Region}",
                    "view": "timeSeries",
                    "period": 60,
                    "metrics": metrics
                }
            })
        })
    });
    let widgets: Vec<Json> = widgets.collect();
    json!({"widgets": widgets}).to_string()
}

type Chart = (String, Vec<Json>);

fn of_service(service: &ServiceHandle) -> Vec<Chart> {
    let id = service.logical_id();
    let row = |metric, statistic: &str, label: &str| {
        Metric::of_service(service, metric).row(&json!({"stat": statistic, "label": label}))
    };
    let utilization = |metric| vec![row(metric, "Average", "average"), row(metric, "Maximum", "maximum")];
    vec![
        (format!("{id}: CPU, %"), utilization("CPUUtilization")),
        (format!("{id}: memory, %"), utilization("MemoryUtilization")),
        (
            format!("{id}: running tasks"),
            vec![row("CPUUtilization", "SampleCount", "tasks")],
        ),
    ]
}

fn of_load_balancer(entrance: &LoadBalancerHandle) -> Vec<Chart> {
    let id = entrance.logical_id();
    let row = |metric, statistic: &str, label: &str| {
        Metric::of_load_balancer(entrance, metric).row(&json!({"stat": statistic, "label": label}))
    };
    let targets =
        |metric, label: &str| Metric::of_targets(entrance, metric).row(&json!({"stat": "Maximum", "label": label}));
    let hosts = (
        format!("{id}: targets"),
        vec![
            targets("HealthyHostCount", "healthy"),
            targets("UnHealthyHostCount", "unhealthy"),
        ],
    );
    if !entrance.is_application() {
        let connections = vec![
            row("NewFlowCount", "Sum", "new connections"),
            row("ActiveFlowCount", "Average", "connections"),
        ];
        let bytes = vec![row("ProcessedBytes", "Sum", "bytes")];
        return vec![
            (format!("{id}: connections"), connections),
            (format!("{id}: traffic, bytes"), bytes),
            hosts,
        ];
    }
    let requests = vec![
        row("RequestCount", "Sum", "requests"),
        row("HTTPCode_Target_5XX_Count", "Sum", "5xx of targets"),
        row("HTTPCode_ELB_5XX_Count", "Sum", "5xx of the load balancer"),
    ];
    let latency = vec![
        row("TargetResponseTime", "p50", "p50"),
        row("TargetResponseTime", "p99", "p99"),
    ];
    vec![
        (format!("{id}: requests a minute"), requests),
        (format!("{id}: latency, s"), latency),
        hosts,
    ]
}
