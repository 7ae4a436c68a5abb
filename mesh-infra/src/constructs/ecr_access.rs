//! Permissions to pull container images from ECR.

use cfn::Value;
use serde_json::Value as Json;

use super::iam::{allow, arn};

/// The policy statements that ECS needs to pull this image from a private ECR registry. None for an image in another
/// registry, and none for an unresolved one: such a task needs an execution role from its author.
///
/// Source: ECS developer guide, "Amazon ECS task execution IAM role" (read 2026-11-23). Authorization tokens cover a
/// whole registry and cannot be restricted further.
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

/// The end of the ARN of the image's repository: region, account and name, each of which may be a `${…}` of
/// `Fn::Sub`. `None` for an image outside ECR.
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
    fn only_images_in_ecr_need_permissions() {
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
