//! Checks before a change set that the container images of a template exist, for its CPU architecture; pins them by digest.
//!
//! A missing image otherwise fails ten minutes later, as tasks that cannot start.

mod choice;
mod ecr;
mod pin;
mod pins;
mod repositories;
mod template;

use std::fmt;

use super::deployment_input::DeploymentInput;
use super::environment::Environment;
use super::error::{Error, ErrorKind};

use ecr::{EcrImage, Lookup};
use repositories::{declared, may_be_cache};
use template::{UsedImage, used_images};

pub use choice::PinPolicy;
pub use pin::{PinChange, PinnedImages};

/// The result of [`Environment::check_images`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImageCheck {
    /// Images that no task could run.
    pub problems: Vec<ImageProblem>,
    /// Images that were not checked, and why: "nginx:1 of Web: not in Amazon ECR".
    pub unchecked: Vec<String>,
}

/// An image that no task could run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImageProblem {
    /// The image, with registry and tag.
    pub image: String,
    /// Its repository in ECR, such as `meshwright/envoy`.
    pub repository: String,
    /// The task definitions and containers that use it: "Web (app)".
    pub used_by: String,
    /// What is wrong: "repository … does not exist in …".
    pub reason: String,
    /// Whether the repository is missing. The first pull creates it if the registry has a pull-through cache rule for it.
    pub is_repository_missing: bool,
}

/// One line: the image, its use and what is wrong.
impl fmt::Display for ImageProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "image {} of {}: {}", self.image, self.used_by, self.reason)
    }
}

impl Environment {
    /// Checks that the images in the task definitions of all stacks of a deployment exist in Amazon ECR and are for the CPU
    /// architecture of their task definition (`RuntimePlatform`). One or two calls per image, `ecr:BatchGetImage`.
    ///
    /// Not checked are images in other registries and regions; images whose call fails, is denied for example; images whose
    /// repository one of the stacks creates; and images that are missing in a repository that is a pull-through cache by its
    /// name, such as `ecr-public/…`: a pull adds them. The architecture is not checked of an image that is no multi-platform
    /// image, since its manifest does not have it, and of a task definition for EC2 without `RuntimePlatform`.
    ///
    /// # Errors
    ///
    /// If the account cannot be determined.
    pub async fn check_images(&self, inputs: &[DeploymentInput]) -> Result<ImageCheck, Error> {
        let account = self.account().await?;
        let mut check = ImageCheck::default();
        let declared = declared(inputs, &account, self.region());
        let used = |input: &DeploymentInput| used_images(input.template(), &input.parameters, &account, self.region());
        let mut denied: Option<Error> = None;
        for used in inputs.iter().flat_map(used) {
            let UsedImage { image, used_by, .. } = &used;
            let Some(found) = EcrImage::parse(image) else {
                check.unchecked.push(format!("{image} of {used_by}: not in Amazon ECR"));
                continue;
            };
            if found.region != self.region() {
                check
                    .unchecked
                    .push(format!("{image} of {used_by}: in another region, {}", found.region));
                continue;
            }
            if let Some(error) = &denied {
                check.unchecked.push(format!("{image} of {used_by}: {error}"));
                continue;
            }
            match self.look_up(&found).await {
                Ok(lookup) => {
                    let creator = declared.get(&found.repository).filter(|_| found.account == account);
                    if let Some(reason) = unchecked(&found, &lookup, creator.copied()) {
                        check.unchecked.push(format!("{image} of {used_by}: {reason}"));
                    } else if let Some(reason) = problem(&found, &used, &lookup) {
                        check.problems.push(ImageProblem {
                            image: image.clone(),
                            repository: found.repository.clone(),
                            used_by: used_by.clone(),
                            reason,
                            is_repository_missing: lookup == Lookup::NoRepository,
                        });
                    }
                }
                Err(error) => {
                    check.unchecked.push(format!("{image} of {used_by}: {error}"));
                    // The same for the other images of this account.
                    if error.kind() == ErrorKind::AccessDenied && found.account == account {
                        denied = Some(error);
                    }
                }
            }
        }
        Ok(check)
    }
}

/// Why a missing image is no problem yet. `creator` is the stack of the deployment that has its repository.
fn unchecked(image: &EcrImage, lookup: &Lookup, creator: Option<&str>) -> Option<String> {
    let repository = &image.repository;
    match (lookup, creator) {
        (Lookup::NoRepository, Some(stack)) => Some(format!(
            "stack `{stack}` creates repository {repository}; deploy it alone and push the image, or push it while tasks wait"
        )),
        (Lookup::NoImage, None) if may_be_cache(repository) => Some(format!(
            "not in repository {repository}; if that is a pull-through cache, the pull adds it"
        )),
        _ => None,
    }
}

/// What is wrong with an image.
fn problem(image: &EcrImage, used: &UsedImage, lookup: &Lookup) -> Option<String> {
    match lookup {
        Lookup::NoRepository => Some(format!(
            "repository {} does not exist in {}",
            image.repository, image.region
        )),
        Lookup::NoImage => Some(format!(
            "repository {} in {} has no image {}",
            image.repository, image.region, image.reference
        )),
        Lookup::Found { architectures, .. } => {
            let wanted = used.architecture.as_deref()?;
            let has = architectures.is_empty() || architectures.iter().any(|found| found == wanted);
            (!has).then(|| {
                format!(
                    "it is for {}, and its task definition for {wanted} (RuntimePlatform)",
                    architectures.join(", ")
                )
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_image_is_unchecked_if_the_deployment_or_a_pull_may_add_it() {
        let reason = |path: &str, lookup: Lookup, creator| {
            let image = format!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/{path}");
            unchecked(&EcrImage::parse(&image).unwrap(), &lookup, creator).unwrap_or_default()
        };
        for (path, lookup, creator, expected) in [
            (
                "team/app:1",
                Lookup::NoRepository,
                Some("images"),
                "stack `images` creates repository team/app; deploy it alone and push the image, or push it while tasks wait",
            ),
            ("team/app:1", Lookup::NoImage, Some("images"), ""),
            ("team/app:1", Lookup::NoImage, None, ""),
            (
                "ecr-public/nginx:1",
                Lookup::NoImage,
                None,
                "not in repository ecr-public/nginx; if that is a pull-through cache, the pull adds it",
            ),
            ("ecr-public/nginx:1", Lookup::NoRepository, None, ""),
        ] {
            assert_eq!(reason(path, lookup, creator), expected);
        }
    }

    #[test]
    fn the_architecture_is_compared_if_both_are_known() {
        let image = EcrImage::parse("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop:1").unwrap();
        let used = |architecture: Option<&str>| UsedImage {
            image: String::new(),
            used_by: "Web (app)".to_owned(),
            architecture: architecture.map(str::to_owned),
        };
        let found = |architectures: &[&str]| Lookup::Found {
            architectures: architectures.iter().map(|name| (*name).to_owned()).collect(),
            digest: None,
        };
        for (wanted, lookup, expected) in [
            (
                Some("arm64"),
                found(&["amd64"]),
                Some("it is for amd64, and its task definition for arm64"),
            ),
            (Some("arm64"), found(&["amd64", "arm64"]), None),
            (Some("arm64"), found(&[]), None),
            (None, found(&["amd64"]), None),
            (
                Some("amd64"),
                Lookup::NoRepository,
                Some("repository shop does not exist in eu-west-1"),
            ),
            (Some("amd64"), Lookup::NoImage, Some("has no image 1")),
        ] {
            let reason = problem(&image, &used(wanted), &lookup);
            match expected {
                None => assert_eq!(reason, None),
                Some(part) => assert!(reason.as_ref().is_some_and(|text| text.contains(part)), "{reason:?}"),
            }
        }
    }
}
