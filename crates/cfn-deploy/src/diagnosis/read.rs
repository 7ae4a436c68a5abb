//! Reads stopped tasks, service events and logs from ECS and CloudWatch Logs.

use serde_json::{Value as Json, json};

use super::render::{cut, printable};
use super::task::StoppedTask;
use crate::environment::Environment;
use crate::error::Error;
use crate::json_api::{ECS, LOGS};

/// The log lines that are kept of a container.
const MAX_LINES: usize = 200;
/// The characters that are kept of a line.
const MAX_WIDTH: usize = 400;
/// The tasks of one call of `DescribeTasks` (API reference, read 2026-11-30).
const MAX_TASKS: usize = 100;

/// An ECS service, as CloudFormation identifies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServiceId {
    pub(super) cluster: String,
    pub(super) name: String,
}

impl ServiceId {
    /// From `arn:aws:ecs:REGION:ACCOUNT:service/CLUSTER/NAME`, the physical id of an `AWS::ECS::Service`. ARNs without the
    /// cluster are of services from before 2021 and name the default cluster.
    pub(super) fn from_physical_id(id: &str) -> Option<Self> {
        let (_, path) = id.split_once(":service/")?;
        let (cluster, name) = path.split_once('/').unwrap_or(("default", path));
        Some(Self {
            cluster: cluster.to_owned(),
            name: name.to_owned(),
        })
    }

    fn described(&self) -> String {
        format!("service `{}` in cluster `{}`", self.name, self.cluster)
    }
}

impl Environment {
    /// The ARNs of a service's stopped tasks, which ECS keeps for an hour or more.
    pub(super) async fn stopped_tasks(&self, service: &ServiceId) -> Result<Vec<String>, Error> {
        let body = json!({
            "cluster": service.cluster,
            "serviceName": service.name,
            "desiredStatus": "STOPPED",
            "maxResults": MAX_TASKS,
        });
        let response = self.json_call(ECS, "ListTasks", &service.described(), &body).await?;
        let arns = response["taskArns"].as_array().into_iter().flatten();
        Ok(arns.filter_map(Json::as_str).map(str::to_owned).collect())
    }

    /// The tasks of these ARNs that failed.
    pub(super) async fn failed_tasks(&self, service: &ServiceId, tasks: &[String]) -> Result<Vec<StoppedTask>, Error> {
        let body = json!({"cluster": service.cluster, "tasks": tasks});
        let response = self
            .json_call(ECS, "DescribeTasks", &service.described(), &body)
            .await?;
        let tasks = response["tasks"].as_array().into_iter().flatten();
        Ok(tasks.filter_map(StoppedTask::read).collect())
    }

    /// The service, with its event log.
    pub(super) async fn described_service(&self, service: &ServiceId) -> Result<Json, Error> {
        let body = json!({"cluster": service.cluster, "services": [service.name]});
        let mut response = self
            .json_call(ECS, "DescribeServices", &service.described(), &body)
            .await?;
        Ok(response["services"][0].take())
    }

    /// A task definition.
    pub(super) async fn task_definition(&self, arn: &str) -> Result<Json, Error> {
        let described = format!("task definition `{arn}`");
        let body = json!({"taskDefinition": arn});
        let mut response = self.json_call(ECS, "DescribeTaskDefinition", &described, &body).await?;
        Ok(response["taskDefinition"].take())
    }

    /// The last lines of a log stream, oldest first.
    pub(super) async fn log_lines(&self, group: &str, stream: &str) -> Result<Vec<String>, Error> {
        let described = format!("stream `{stream}` of log group `{group}`");
        let body = json!({"logGroupName": group, "logStreamName": stream, "limit": MAX_LINES, "startFromHead": false});
        let response = self.json_call(LOGS, "GetLogEvents", &described, &body).await?;
        let events = response["events"].as_array().into_iter().flatten();
        let lines = events
            .filter_map(|event| event["message"].as_str())
            .flat_map(str::lines);
        let mut lines: Vec<_> = lines.map(|line| cut(&printable(line), MAX_WIDTH)).collect();
        // One event may have several lines.
        lines.drain(..lines.len().saturating_sub(MAX_LINES));
        Ok(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_physical_id_names_cluster_and_service() {
        let id = ServiceId::from_physical_id("arn:aws:ecs:eu-west-1:1:service/shop/web").unwrap();
        assert_eq!((id.cluster.as_str(), id.name.as_str()), ("shop", "web"));
        let old = ServiceId::from_physical_id("arn:aws:ecs:eu-west-1:1:service/web").unwrap();
        assert_eq!(old.cluster, "default");
        assert_eq!(ServiceId::from_physical_id(""), None);
    }
}
