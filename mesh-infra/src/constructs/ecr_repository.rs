//! Repositories of container images.

use cfn::{Resource, Value, ecr};
use serde_json::{Value as Json, json};

use crate::EcrImage;
use crate::construct::Construct;
use crate::stack::{LogicalId, Scope};

/// Days for which an image without a tag is kept, decided by us: a push that moves or deletes a tag leaves one behind.
const UNTAGGED_DAYS: u32 = 14;

/// A repository of Amazon ECR: tags are immutable, images are scanned when they are pushed, and images without a tag are
/// deleted after 14 days, all decided by us.
///
/// It belongs into a stack of its own, which is deployed before the services whose images it contains: a service without its
/// image cannot start. `meshwright images` creates the repositories that it needs unless they exist, so the stack can have
/// these too, under the names in [`images`](crate::images). **It is kept when it is removed from the stack**, or the stack is
/// deleted, because running tasks may need its images. Its name is then taken: before the stack is deployed again, import the
/// repository into it or delete it. One whose creation is rolled back is deleted.
///
/// Immutable tags fit images whose tag is a version; `images` then fails for a version that was pushed before.
#[derive(Debug, Clone)]
pub struct EcrRepository {
    name: String,
    kms_key: Option<Value<String>>,
    has_kms: bool,
    has_mutable_tags: bool,
    max_images: Option<u32>,
}

impl EcrRepository {
    /// A repository with this name, such as `team/app`: 2 to 256 of a-z, 0-9 and `._/-`.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kms_key: None,
            has_kms: false,
            has_mutable_tags: false,
            max_images: None,
        }
    }

    /// Encrypts images by KMS, with the key `aws/ecr`. Default, decided by ECR: a key of Amazon S3. A change replaces the
    /// repository.
    #[must_use]
    pub fn with_kms(mut self) -> Self {
        self.has_kms = true;
        self
    }

    /// Encrypts images by a key of KMS, given by its ARN. Otherwise as [`EcrRepository::with_kms`].
    #[must_use]
    pub fn with_kms_key_arn(mut self, arn: impl Into<Value<String>>) -> Self {
        self.kms_key = Some(arn.into());
        self.with_kms()
    }

    /// Allows pushing a tag again with another image. Default, decided by us: not allowed, so that what was tested is what
    /// runs.
    #[must_use]
    pub fn with_mutable_tags(mut self) -> Self {
        self.has_mutable_tags = true;
        self
    }

    /// Keeps only the newest images, at most this many. Deletes images whatever runs them, so the number exceeds those in
    /// use. Default, decided by us: all images with a tag are kept.
    #[must_use]
    pub fn with_max_images(mut self, images: u32) -> Self {
        self.max_images = Some(images);
        self
    }

    fn lifecycle_policy(&self) -> String {
        let mut rules = vec![json!({
            "rulePriority": 1,
            "description": format!("Delete images without a tag after {UNTAGGED_DAYS} days"),
            "selection": {
                "tagStatus": "untagged",
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": UNTAGGED_DAYS
            },
            "action": {"type": "expire"}
        })];
        if let Some(images) = self.max_images {
            rules.push(json!({
                "rulePriority": 2,
                "description": format!("Keep the {images} newest images"),
                "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": images},
                "action": {"type": "expire"}
            }));
        }
        json!({"rules": rules}).to_string()
    }

    fn properties(&self) -> ecr::Repository {
        let encryption = match (self.has_kms, &self.kms_key) {
            (true, key) => ecr::EncryptionConfiguration {
                encryption_type: json!("KMS"),
                kms_key: key.as_ref().map(Value::to_json),
            },
            (false, _) => ecr::EncryptionConfiguration {
                encryption_type: json!("AES256"),
                kms_key: None,
            },
        };
        let mutability = if self.has_mutable_tags { "MUTABLE" } else { "IMMUTABLE" };
        ecr::Repository {
            repository_name: Some(Value::from(self.name.as_str())),
            image_tag_mutability: Some(Value::from(mutability)),
            image_scanning_configuration: Some(ecr::ImageScanningConfiguration {
                scan_on_push: Some(json!(true)),
            }),
            encryption_configuration: Some(encryption),
            lifecycle_policy: Some(ecr::LifecyclePolicy {
                lifecycle_policy_text: Some(Json::from(self.lifecycle_policy())),
                ..ecr::LifecyclePolicy::default()
            }),
            ..ecr::Repository::default()
        }
    }

    fn check(&self, id: &LogicalId, scope: &mut Scope<'_>) {
        let path = format!("Resources.{id}.Properties");
        if !is_name(&self.name) {
            let message = format!(
                "is `{}`; expected 2 to 256 of a-z, 0-9, ., _, - and /, with letters and digits around the others",
                self.name
            );
            scope.diagnostics().add(format!("{path}.RepositoryName"), message);
        }
        if self.max_images == Some(0) {
            let message = "keeps no image; expected at least 1";
            scope.diagnostics().add(format!("{path}.LifecyclePolicy"), message);
        }
    }
}

/// Source: ECR API reference, `CreateRepository` (read 2026-11-30).
fn is_name(name: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_component = |part: &str| {
        part.starts_with(is_letter)
            && part.ends_with(is_letter)
            && part.chars().all(|c| is_letter(c) || "._-".contains(c))
    };
    (2..=256).contains(&name.len()) && name.split('/').all(is_component)
}

/// A repository that was added to a stack.
#[derive(Debug, Clone)]
pub struct EcrRepositoryHandle {
    id: LogicalId,
    name: String,
}

impl EcrRepositoryHandle {
    /// The repository's logical id.
    #[must_use]
    pub fn logical_id(&self) -> &LogicalId {
        &self.id
    }

    /// Its ARN.
    #[must_use]
    pub fn arn(&self) -> Value<String> {
        Value::attribute(self.id.qualified(), "Arn")
    }

    /// An image in it, for containers of any stack in the same account and region. [`EcrImage::with_tag`] sets its tag.
    #[must_use]
    pub fn image(&self) -> EcrImage {
        EcrImage::new(self.name.as_str())
    }
}

impl Construct for EcrRepository {
    type Handle = EcrRepositoryHandle;
    const KIND: &'static str = "Repository";

    fn add_to(self, scope: &mut Scope<'_>) -> EcrRepositoryHandle {
        let id = scope.logical_id();
        self.check(&id, scope);
        let resource = Resource {
            update_replace_policy: Some(Json::from("Retain")),
            // Kept with the stack's deletion, and not when its creation fails: the next attempt would find its name taken.
            // Source: CloudFormation template reference, `DeletionPolicy` (read 2026-11-30).
            deletion_policy: Some(Json::from("RetainExceptOnCreate")),
            ..Resource::of(&self.properties())
        };
        scope.add_resource(&id, resource);
        EcrRepositoryHandle { id, name: self.name }
    }
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn names_are_those_of_ecr() {
        for (name, is_valid) in [
            ("team/app", true),
            ("a.b_c-d/e1", true),
            ("a", false),
            ("Team/app", false),
            ("team//app", false),
            ("-app", false),
            ("app/", false),
        ] {
            assert_eq!(is_name(name), is_valid, "{name}");
        }
    }
}
