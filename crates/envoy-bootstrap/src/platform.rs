//! The task of an Envoy, from node metadata: ours, or those of App Mesh's agent in AWS's Envoy image.
//!
//! Source of the keys: `envoy_bootstrap.go` of the agent (aws/amazon-ecs-service-connect-agent, read 2026-11-30).

use serde_json::{Map, Value};

use crate::metadata::MESHWRIGHT_KEY;

/// The metadata key of App Mesh's agent for the platform: availability zone, ECS task, Kubernetes pod.
pub const PLATFORM_INFO_KEY: &str = "aws.appmesh.platformInfo";

/// The task name in node metadata, whether or not the rest is valid: that of [`MESHWRIGHT_KEY`], or the ARN of the ECS
/// task or the UID of the Kubernetes pod that App Mesh's agent sends.
#[must_use]
pub fn task_name(metadata: &Map<String, Value>) -> Option<&str> {
    let own = || text(metadata.get(MESHWRIGHT_KEY)?, &["task"]);
    let ecs_task = || text(platform(metadata)?, &["ecsPlatformInfo", "ecsTaskArn"]);
    let pod = || text(platform(metadata)?, &["k8sPlatformInfo", "podUid"]);
    own().or_else(ecs_task).or_else(pod)
}

/// The availability zone that App Mesh's agent sends: its name (`eu-west-1a`), or else its id (`euw1-az1`).
#[must_use]
pub fn availability_zone(metadata: &Map<String, Value>) -> Option<&str> {
    let platform = platform(metadata)?;
    text(platform, &["AvailabilityZone"]).or_else(|| text(platform, &["AvailabilityZoneID"]))
}

fn platform(metadata: &Map<String, Value>) -> Option<&Value> {
    metadata.get(PLATFORM_INFO_KEY)
}

/// A text that is not empty: the agent sends empty ones for what it does not know.
fn text<'a>(value: &'a Value, keys: &[&str]) -> Option<&'a str> {
    let value = keys.iter().try_fold(value, |value, key| value.get(key))?;
    value.as_str().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(metadata: Value) -> (Option<String>, Option<String>) {
        let metadata = metadata.as_object().expect("an object");
        let owned = |text: Option<&str>| text.map(str::to_owned);
        (owned(task_name(metadata)), owned(availability_zone(metadata)))
    }

    #[test]
    fn our_task_name_comes_first() {
        let arn = "arn:aws:ecs:eu-west-1:123456789012:task/demo/1";
        let agent = json!({"AvailabilityZone": "eu-west-1a", "ecsPlatformInfo": {"ecsTaskArn": arn}});
        let zone = || Some("eu-west-1a".to_owned());
        assert_eq!(of(json!({ PLATFORM_INFO_KEY: agent })), (Some(arn.to_owned()), zone()));
        let both = json!({ PLATFORM_INFO_KEY: agent, MESHWRIGHT_KEY: {"task": "blue/1"} });
        assert_eq!(of(both), (Some("blue/1".to_owned()), zone()));
    }

    #[test]
    fn unknown_texts_are_left_out() {
        let empty = json!({"AvailabilityZone": "", "AvailabilityZoneID": "euw1-az1",
            "ecsPlatformInfo": {"ecsTaskArn": ""}, "k8sPlatformInfo": {"podUid": "uid"}});
        assert_eq!(
            of(json!({ PLATFORM_INFO_KEY: empty })),
            (Some("uid".to_owned()), Some("euw1-az1".to_owned()))
        );
        for other in [
            json!({}),
            json!({ PLATFORM_INFO_KEY: "text" }),
            json!({ PLATFORM_INFO_KEY: {"ecsPlatformInfo": []} }),
        ] {
            assert_eq!(of(other), (None, None));
        }
    }
}
