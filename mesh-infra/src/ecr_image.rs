//! Images in the ECR registry of the account that a stack is deployed to.

use cfn::Value;

/// The ends of the host names of Amazon ECR's private registries, after `ACCOUNT.dkr.ecr.REGION.`. Source: Amazon ECR
/// user guide, "Private registries" (read 2026-11-23).
const ENDINGS: [&str; 2] = ["amazonaws.com", "amazonaws.com.cn"];

/// An image in Amazon ECR, in the account and region that the stack is deployed to, so that the description is the
/// same for all accounts. `meshwright images` prints the commands that build and push the images of this project.
///
/// ```
/// use mesh_infra::{Container, EcrImage};
///
/// let container = Container::new("app", EcrImage::new("team/app").with_tag("1.4"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcrImage {
    repository: String,
    tag: Option<String>,
}

impl EcrImage {
    /// The image in the repository with this name: 2 to 256 of a-z, 0-9 and `._/-`.
    #[must_use]
    pub fn new(repository: impl Into<String>) -> Self {
        Self {
            repository: repository.into(),
            tag: None,
        }
    }

    /// Sets the tag. Default, decided by Docker: `latest`, whose content changes.
    #[must_use]
    pub fn with_tag(mut self, tag: impl Into<String>) -> Self {
        self.tag = Some(tag.into());
        self
    }

    /// The repository of an image reference in a private ECR registry, without registry, tag and digest: `team/app`
    /// for `123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app:1.4`. `None` for all other references.
    #[must_use]
    pub fn repository_of(reference: &str) -> Option<&str> {
        let (registry, image) = reference.split_once('/')?;
        let (account, host) = registry.split_once(".dkr.ecr.")?;
        let (_region, ending) = host.split_once('.')?;
        let is_registry =
            account.len() == 12 && account.bytes().all(|digit| digit.is_ascii_digit()) && ENDINGS.contains(&ending);
        let image = image.split('@').next().unwrap_or(image);
        is_registry.then(|| image.split(':').next().unwrap_or(image))
    }
}

impl From<EcrImage> for Value<String> {
    fn from(image: EcrImage) -> Self {
        let EcrImage { repository, tag } = image;
        let tag = tag.map(|tag| format!(":{tag}")).unwrap_or_default();
        Value::Sub(format!(
            "${{AWS::AccountId}}.dkr.ecr.${{AWS::Region}}.${{AWS::URLSuffix}}/{repository}{tag}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_in_the_registry_of_the_stacks_account() {
        let value = Value::<String>::from(EcrImage::new("team/app").with_tag("1.4"));
        let expected = "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}/team/app:1.4";
        assert_eq!(value, Value::Sub(expected.to_owned()));
    }

    #[test]
    fn only_references_to_private_ecr_registries_have_a_repository() {
        for (reference, repository) in [
            (
                "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app:1.4",
                Some("team/app"),
            ),
            (
                "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/app@sha256:0",
                Some("app"),
            ),
            ("team/app:1.4", None),
            ("public.ecr.aws/team/app", None),
            ("12345.dkr.ecr.eu-west-1.amazonaws.com/team/app", None),
            (
                "123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example/team/app",
                None,
            ),
        ] {
            assert_eq!(EcrImage::repository_of(reference), repository, "{reference}");
        }
    }
}
