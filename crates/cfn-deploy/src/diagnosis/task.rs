//! Stopped tasks from ECS's responses, and the task definition's log configuration. Pure.

use serde_json::Value as Json;

use super::{StoppedContainer, StoppedTasks};

/// A stopped task.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StoppedTask {
    pub(super) id: String,
    pub(super) definition: String,
    /// When it was created, in milliseconds since 1970; 0 if unknown.
    pub(super) created: i64,
    pub(super) code: String,
    pub(super) reason: String,
    pub(super) containers: Vec<StoppedContainer>,
}

/// What a task definition has about a container.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct DefinedContainer {
    pub(super) is_essential: bool,
    /// Log group and stream prefix of the log driver `awslogs`.
    pub(super) log: Option<(String, String)>,
}

fn text(value: &Json, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

/// A time of an AWS JSON response, in seconds since 1970, as milliseconds.
pub(super) fn millis(value: &Json) -> i64 {
    // A time fits into 53 bits.
    #[allow(clippy::cast_possible_truncation, reason = "a time in milliseconds fits")]
    value.as_f64().map_or(0, |seconds| (seconds * 1000.0) as i64)
}

/// The last part of an ARN or of a path.
pub(super) fn last_part(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

impl StoppedTask {
    /// A task of `DescribeTasks`. `None` for a task that stopped without a failure, because ECS scaled the service in or
    /// replaced it by another deployment.
    pub(super) fn read(task: &Json) -> Option<Self> {
        let (code, reason) = (text(task, "stopCode"), text(task, "stoppedReason"));
        let is_scaled_in = reason.starts_with("Scaling activity initiated by")
            || matches!(
                code.as_str(),
                "UserInitiated" | "TerminationNotice" | "SpotInterruption"
            );
        if is_scaled_in || text(task, "lastStatus") == "RUNNING" {
            return None;
        }
        let containers = task["containers"].as_array().into_iter().flatten();
        let containers = containers.map(|container| StoppedContainer {
            name: text(container, "name"),
            is_essential: false,
            image: text(container, "image"),
            exit_code: container["exitCode"].as_i64(),
            reason: text(container, "reason"),
            log_location: None,
            log_error: None,
            log: Vec::new(),
        });
        Some(Self {
            id: last_part(&text(task, "taskArn")).to_owned(),
            definition: text(task, "taskDefinitionArn"),
            created: millis(&task["createdAt"]),
            code,
            reason,
            containers: containers.collect(),
        })
    }

    /// The task as a group of its own, with the essential containers first. Containers that ECS stopped along with the
    /// task are left out: they exited with 0, 137 or 143 and are not essential.
    pub(super) fn into_group(self, defined: impl Fn(&str) -> DefinedContainer) -> StoppedTasks {
        let mut containers = self.containers;
        for container in &mut containers {
            container.is_essential = defined(&container.name).is_essential;
        }
        let followed = |container: &StoppedContainer| {
            !container.is_essential
                && container.reason.is_empty()
                && matches!(container.exit_code, None | Some(0 | 137 | 143))
        };
        containers.retain(|container| !followed(container));
        containers.sort_by_key(|container| {
            // The one that failed comes before those that were stopped with it.
            let has_failed = !matches!(container.exit_code, None | Some(0 | 143)) || !container.reason.is_empty();
            (!container.is_essential, !has_failed)
        });
        StoppedTasks {
            count: 1,
            task: self.id,
            code: self.code,
            reason: self.reason,
            containers,
        }
    }
}

impl StoppedTasks {
    /// Whether another task stopped for the same reason: texts are compared without identifiers.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let of = |container: &StoppedContainer| {
            (
                container.name.clone(),
                container.exit_code,
                without_ids(&container.reason),
            )
        };
        self.code == other.code
            && without_ids(&self.reason) == without_ids(&other.reason)
            && self.containers.iter().map(of).eq(other.containers.iter().map(of))
    }
}

/// A text without identifiers of tasks, network interfaces, addresses and requests: its words with a digit are left out.
pub(super) fn without_ids(text: &str) -> String {
    let words = text.split_whitespace();
    let plain = words.filter(|word| {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        digits < 4
    });
    plain.collect::<Vec<_>>().join(" ")
}

/// The containers of a task definition, by name.
pub(super) fn defined_container(definition: &Json, name: &str) -> DefinedContainer {
    let containers = definition["containerDefinitions"].as_array();
    let found = containers.into_iter().flatten().find(|found| found["name"] == name);
    let Some(found) = found else {
        return DefinedContainer::default();
    };
    let logging = &found["logConfiguration"];
    let options = &logging["options"];
    let is_awslogs = logging["logDriver"] == "awslogs";
    let group = options["awslogs-group"].as_str().filter(|_| is_awslogs);
    DefinedContainer {
        is_essential: found["essential"].as_bool().unwrap_or(true),
        log: group.map(|group| (group.to_owned(), text(options, "awslogs-stream-prefix"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tasks_that_ecs_scaled_in_are_no_failures() {
        let task = |code: &str, reason: &str| StoppedTask::read(&json!({"stopCode": code, "stoppedReason": reason}));
        assert_eq!(
            task(
                "ServiceSchedulerInitiated",
                "Scaling activity initiated by (deployment ecs-svc/1)"
            ),
            None
        );
        assert_eq!(task("UserInitiated", "Task stopped by user"), None);
        for (code, reason) in [
            ("EssentialContainerExited", "Essential container in task exited"),
            ("ServiceSchedulerInitiated", "Task failed container health checks"),
            ("TaskFailedToStart", "CannotPullContainerError: x"),
        ] {
            assert!(task(code, reason).is_some(), "{reason}");
        }
    }

    #[test]
    fn the_failed_essential_container_is_first_and_stopped_sidecars_are_left_out() {
        let task = StoppedTask::read(&json!({
            "taskArn": "arn:aws:ecs:eu-west-1:1:task/shop/0123",
            "taskDefinitionArn": "d",
            "createdAt": 1_795_000_000.5,
            "stopCode": "EssentialContainerExited",
            "stoppedReason": "Essential container in task exited",
            "containers": [
                {"name": "init", "exitCode": 0},
                {"name": "envoy", "exitCode": 143},
                {"name": "app", "exitCode": 1},
                {"name": "agent", "exitCode": 2, "reason": "OutOfMemoryError"},
            ],
        }))
        .unwrap();
        assert_eq!((task.id.as_str(), task.created), ("0123", 1_795_000_000_500));
        let group = task.into_group(|name| DefinedContainer {
            is_essential: matches!(name, "app" | "envoy"),
            log: None,
        });
        let names: Vec<_> = group
            .containers
            .iter()
            .map(|container| container.name.as_str())
            .collect();
        assert_eq!(names, ["app", "envoy", "agent"]);
    }

    #[test]
    fn reasons_are_compared_without_identifiers() {
        let group = |reason: &str| StoppedTasks {
            reason: reason.to_owned(),
            ..StoppedTasks::default()
        };
        let one = group("Task failed ELB health checks in (target-group arn:aws:x:1234/a)");
        assert!(one.is_like(&group(
            "Task failed ELB health checks in (target-group arn:aws:x:1234/b)"
        )));
        assert!(!one.is_like(&group("Task failed container health checks")));
    }

    #[test]
    fn the_log_of_a_container_is_in_its_awslogs_options() {
        let definition = json!({"containerDefinitions": [
            {"name": "app", "logConfiguration": {"logDriver": "awslogs",
                "options": {"awslogs-group": "/ecs/web", "awslogs-stream-prefix": "web"}}},
            {"name": "agent", "essential": false, "logConfiguration": {"logDriver": "awsfirelens", "options": {}}},
        ]});
        let app = defined_container(&definition, "app");
        assert_eq!(app.log, Some(("/ecs/web".to_owned(), "web".to_owned())));
        assert!(app.is_essential);
        assert_eq!(defined_container(&definition, "agent"), DefinedContainer::default());
    }
}
