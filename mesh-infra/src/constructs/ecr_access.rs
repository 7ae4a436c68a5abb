//! Whether ECS needs leave to pull a container's image.

use cfn::Value;
use serde_json::Value as Json;

use super::iam::{allow, arn};

/// What ECS must be allowed to pull this image, if it is in a private registry of ECR: statements of a policy. An image
/// elsewhere needs none, and neither does one whose registry is late: whoever asks for it when the stack is deployed
/// gives the task a role of its own.
///
/// Source: ECS developer guide, "Amazon ECS task execution IAM role" (read 2026-11-23). Tokens are for a whole registry
/// and cannot be had for less.
pub(super) fn pull_statements(image: &Value<String>) -> Vec<Json> {
    const PULL: [&str; 3] = [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
    ];
    let (Value::Known(name) | Value::Sub(name)) = image else {
        return Vec::new();
    };
    ecr_repository(name).map_or_else(Vec::new, |repository| {
        vec![
            allow(&["ecr:GetAuthorizationToken"], vec![Json::from("*")]),
            allow(&PULL, vec![arn("ecr", &repository)]),
        ]
    })
}

/// The end of the ARN of the repository that an image is in: region, account and name, each of which may be one that
/// `Fn::Sub` puts in. `None` if it is not in ECR.
fn ecr_repository(image: &str) -> Option<String> {
    let (registry, name) = image.split_once('/')?;
    let (account, rest) = registry.split_once(".dkr.ecr.")?;
    let (region, _) = rest.split_once('.')?;
    let name = name.split('@').next().unwrap_or(name);
    let name = name.split(':').next().unwrap_or(name);
    Some(format!("{region}:{account}:repository/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EcrImage;

    #[test]
    fn leave_is_needed_for_one_repository_of_ecr() {
        let repository = |image: Value<String>| {
            let statements = pull_statements(&image);
            statements.get(1).map(|statement| statement["Resource"].to_string())
        };
        for image in ["team/app", "ghcr.io/team/app:1", "localhost:5000/app"] {
            assert_eq!(repository(Value::from(image)), None, "{image}");
        }
        assert_eq!(repository(Value::reference("Image")), None);
        let known = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/app:1";
        assert_eq!(
            repository(Value::from(known)).as_deref(),
            Some(r#"{"Fn::Sub":"arn:${AWS::Partition}:ecr:eu-central-1:123456789012:repository/team/app"}"#)
        );
        assert_eq!(
            repository(EcrImage::new("team/app").with_tag("1").into()).as_deref(),
            Some(r#"{"Fn::Sub":"arn:${AWS::Partition}:ecr:${AWS::Region}:${AWS::AccountId}:repository/team/app"}"#)
        );
    }
}
