//! The OpenTelemetry collector of a task.

use cfn::Value;
use serde_json::{Value as Json, json};

use super::iam::{allow, own_arn};
use super::{Container, HealthCheck, Secret};
use crate::labels;

/// The container's name.
const CONTAINER: &str = "otel-collector";
/// AWS Distro for OpenTelemetry (read 2026-11-30).
const IMAGE: &str = "public.ecr.aws/aws-observability/aws-otel-collector:v0.48.0";
/// The image's configuration for ECS: OTLP, StatsD and X-Ray in, X-Ray and CloudWatch metrics out.
const DEFAULT_CONFIG: &str = "--config=/etc/ecs/ecs-default-config.yaml";
/// The log group through which that configuration sends metrics.
const METRICS_LOG_GROUP: &str = "/aws/ecs/application/metrics";
/// The variable with a configuration in place of a file.
const CONFIG_VARIABLE: &str = "AOT_CONFIG_CONTENT";
/// The port of OTLP over HTTP.
const HTTP_PORT: u16 = 4318;
/// The port of OTLP over gRPC, which Envoy uses.
pub(super) const GRPC_PORT: u16 = 4317;

/// An OpenTelemetry collector beside the containers of a task: AWS Distro for OpenTelemetry (ADOT).
///
/// The other containers get `OTEL_EXPORTER_OTLP_ENDPOINT` and `OTEL_EXPORTER_OTLP_PROTOCOL` unless they have one, and the
/// Envoy of a mesh with a control plane sends its spans to it: those of requests whose caller has sampled them. By default
/// traces go to X-Ray and metrics to CloudWatch, and the role of the task allows exactly this.
///
/// Source: ADOT's documentation, "Setting up the ADOT Collector in Amazon ECS", and `config/ecs/ecs-default-config.yaml` of
/// aws-observability/aws-otel-collector (read 2026-11-30). X-Ray's own daemon is not offered: AWS ends its support in favour
/// of OpenTelemetry (X-Ray developer guide, "X-Ray SDK and daemon maintenance", read 2026-11-30).
///
/// The local runner does not start it, and collects spans itself.
#[derive(Debug, Clone)]
pub struct OtelCollector {
    image: Value<String>,
    config: Config,
    is_essential: bool,
}

/// Where the configuration comes from.
#[derive(Debug, Clone)]
enum Config {
    Default,
    Inline(Value<String>),
    Parameter(Secret),
}

impl OtelCollector {
    /// A collector with the image's configuration for ECS.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "constructs are made by `new`")]
    pub fn new() -> Self {
        Self {
            image: Value::from(IMAGE),
            config: Config::Default,
            is_essential: false,
        }
    }

    /// Sets the image, such as a copy in your own registry. Default, decided by us:
    /// `public.ecr.aws/aws-observability/aws-otel-collector:v0.48.0`. Tasks that reach AWS only by VPC endpoints cannot pull
    /// it.
    #[must_use]
    pub fn with_image(mut self, image: impl Into<Value<String>>) -> Self {
        self.image = image.into();
        self
    }

    /// Sets the configuration, as YAML. It receives OTLP on ports 4317 and 4318, and has the extension `health_check`. What
    /// it calls needs permissions: [`TaskDefinition::with_task_permission`](crate::TaskDefinition::with_task_permission).
    /// Default: the image's for ECS.
    #[must_use]
    pub fn with_config(mut self, yaml: impl Into<Value<String>>) -> Self {
        self.config = Config::Inline(yaml.into());
        self
    }

    /// Sets the configuration by the ARN or name of a parameter in Parameter Store, which ECS reads when a task starts.
    /// Otherwise as [`OtelCollector::with_config`].
    #[must_use]
    pub fn with_config_parameter(mut self, arn_or_name: impl Into<Value<String>>) -> Self {
        self.config = Config::Parameter(Secret::ssm_parameter(arn_or_name));
        self
    }

    /// Sets whether the task stops when the collector does. Default, decided by us: it does not, because requests do not
    /// depend on telemetry.
    #[must_use]
    pub fn with_essential(mut self, is_essential: bool) -> Self {
        self.is_essential = is_essential;
        self
    }

    /// The variables of the other containers.
    pub(super) fn variables(&self) -> [(&'static str, String); 2] {
        [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://127.0.0.1:{HTTP_PORT}")),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf".to_owned()),
        ]
    }

    pub(super) fn container(&self) -> Container {
        let container = Container::new(CONTAINER, self.image.clone())
            .with_essential(self.is_essential)
            .with_label(labels::ROLE, labels::ROLE_OTEL_COLLECTOR)
            .with_health_check(HealthCheck::command(["/healthcheck"]));
        match &self.config {
            Config::Default => container.with_command([DEFAULT_CONFIG]),
            Config::Inline(yaml) => container.with_environment(CONFIG_VARIABLE, yaml.clone()),
            Config::Parameter(parameter) => container.with_secret(CONFIG_VARIABLE, parameter.clone()),
        }
    }

    /// The statements that the role of the task needs for the image's configuration.
    pub(super) fn statements(&self) -> Vec<Json> {
        const TRACES: [&str; 5] = [
            "xray:PutTraceSegments",
            "xray:PutTelemetryRecords",
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
            "xray:GetSamplingStatisticSummaries",
        ];
        const METRICS: [&str; 4] = [
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:DescribeLogStreams",
            "logs:PutLogEvents",
        ];
        match self.config {
            Config::Default => vec![
                // X-Ray has no narrower resource.
                allow(&TRACES, vec![json!("*")]),
                allow(
                    &METRICS,
                    vec![own_arn("logs", &format!("log-group:{METRICS_LOG_GROUP}:*"))],
                ),
            ],
            Config::Inline(_) | Config::Parameter(_) => Vec::new(),
        }
    }
}
