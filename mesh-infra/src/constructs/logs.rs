//! Log groups of services.

use cfn::{Resource, Value, logs};
use serde_json::{Map, Value as Json, json};

use crate::stack::{LogicalId, Scope};

/// Days for which logs are kept, decided by us: enough to investigate last week's failure. CloudWatch Logs would keep
/// them forever.
pub(super) const DEFAULT_RETENTION_DAYS: u32 = 30;

/// The log group of a service.
pub(super) struct LogGroup(LogicalId);

impl LogGroup {
    /// Adds the log group of the service that is being added, `/meshwright/<stack>/<service>`. It is deleted with the
    /// stack, decided by us, so that a deleted stack costs nothing.
    pub(super) fn add(service: &str, retention_days: u32, scope: &mut Scope<'_>) -> Self {
        let id = scope.part("LogGroup");
        // Ids may contain spaces, names of log groups may not.
        let service = service.replace(' ', "-");
        let properties = logs::LogGroup {
            log_group_name: Some(Value::Sub(format!("/meshwright/${{AWS::StackName}}/{service}"))),
            retention_in_days: Some(Value::Known(retention_days)),
            ..logs::LogGroup::default()
        };
        let resource = Resource {
            update_replace_policy: Some(Json::from("Delete")),
            deletion_policy: Some(Json::from("Delete")),
            ..Resource::of(&properties)
        };
        scope.add_resource(&id, resource);
        Self(id)
    }

    /// A container's `LogConfiguration`.
    pub(super) fn configuration(&self, prefix: &str) -> Json {
        json!({"LogDriver": "awslogs", "Options": self.options(prefix)})
    }

    /// The options of the driver `awslogs`. ECS adds the container's name and the task's id to the prefix.
    pub(super) fn options(&self, prefix: &str) -> Map<String, Json> {
        Map::from_iter([
            ("awslogs-group".to_owned(), json!({"Ref": self.0.as_str()})),
            ("awslogs-region".to_owned(), json!({"Ref": "AWS::Region"})),
            ("awslogs-stream-prefix".to_owned(), json!(prefix)),
        ])
    }

    /// The policy statement that ECS needs to write to it.
    pub(super) fn write_statement(&self) -> Json {
        let streams = Value::<String>::attribute(self.0.as_str(), "Arn").to_json();
        super::iam::allow(&["logs:CreateLogStream", "logs:PutLogEvents"], vec![streams])
    }
}
