//! Pins the images of a deployment by digest.

use std::collections::BTreeMap;
use std::fmt;

use cfn::Template;

use super::choice::{Choice, Images, PinPolicy, choose};
use super::ecr::{EcrImage, Lookup};
use super::pins::{ContainerId, TASK_DEFINITION, pin, tag_start, unpin, with_digest};
use crate::account_values::evaluator;
use crate::deployed_stack::DeployedStack;
use crate::deployment_input::DeploymentInput;
use crate::environment::Environment;
use crate::error::{Error, ErrorKind};
use crate::status::StackCondition;

/// The result of [`Environment::pin_images`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PinnedImages {
    /// The input with digests in its template.
    pub input: DeploymentInput,
    /// Images whose digest changes.
    pub changes: Vec<PinChange>,
    /// Images that keep their tag or their deployed digest because no current one is known, and why: "nginx:1 of Web (app):
    /// not in Amazon ECR of this account and region".
    pub unresolved: Vec<String>,
}

/// An image with another digest than before.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PinChange {
    /// The image with its tag.
    pub image: String,
    /// The task definitions and containers that use it: "Web (app)".
    pub used_by: String,
    /// The deployed digest of this image and tag; `None` if it was not pinned, or is new.
    pub before: Option<String>,
    /// The new digest.
    pub after: String,
}

/// One line: "image …/shop:1.0 of Web (app): sha256:0123456789ab → sha256:ba9876543210".
impl fmt::Display for PinChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "image {} of {}: ", self.image, self.used_by)?;
        if let Some(before) = &self.before {
            write!(f, "{} → ", short(before))?;
        }
        f.write_str(short(&self.after))
    }
}

/// The beginning of a digest, as Docker prints it.
fn short(digest: &str) -> &str {
    digest.get(.."sha256:".len() + 12).unwrap_or(digest)
}

/// Digests by image reference, or why there is none.
type Digests = BTreeMap<String, Result<String, String>>;

impl Environment {
    /// Puts the digests of images in the registry of this account and region in place of their tags, so that an image that
    /// is pushed again under its tag is a change of the template, all tasks of a deployment have the same image, and a
    /// rollback restores the former one. The tags are in the metadata of the task definitions (`meshwright:images`).
    ///
    /// Other images keep their tag. So do images whose digest cannot be read, unless the deployed template has the same
    /// image pinned: then it keeps that digest. Two calls for the deployed stack, and one per image that `policy` takes from
    /// ECR, `ecr:BatchGetImage`. An input that is not valid, or whose template is at a URL, is returned as it is.
    ///
    /// # Errors
    ///
    /// If the account or the deployed stack cannot be read.
    pub async fn pin_images(&self, input: DeploymentInput, policy: &PinPolicy) -> Result<PinnedImages, Error> {
        let mut pinned = PinnedImages {
            input,
            changes: Vec::new(),
            unresolved: Vec::new(),
        };
        let input = &pinned.input;
        let has_tasks = input
            .template
            .resources
            .values()
            .any(|found| found.kind == TASK_DEFINITION);
        // The change set reports what is invalid.
        if !has_tasks || input.check().is_err() {
            return Ok(pinned);
        }
        if input.url.is_some() {
            pinned
                .unresolved
                .push("all images: the template is at a URL".to_owned());
            return Ok(pinned);
        }
        let stack = self.deployed(input.stack()).await?;
        // A stack in review has no template and no parameter values.
        let stack = stack.filter(|stack| stack.status.condition() != StackCondition::ReviewInProgress);
        let mut old = match &stack {
            Some(stack) => stack.read_template()?,
            None => Template::default(),
        };
        let Ok(values) = input.values(stack.as_ref().map(|stack| (stack, &old))) else {
            return Ok(pinned);
        };
        let values = values
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), value.known()?.to_owned())));
        let values: BTreeMap<String, String> = values.collect();
        let account = self.account().await?;
        let old_digests = unpin(&mut old);
        let mut template = input.template.clone();
        let _replaced_below = unpin(&mut template);
        let evaluators = (
            evaluator(&template, &values, &account, self.region()),
            evaluator(&old, &parameters(stack.as_ref()), &account, self.region()),
        );
        let new = Images::new(&template, &evaluators.0, BTreeMap::new());
        let deployed = Images::new(&old, &evaluators.1, old_digests);

        let mut found = Digests::new();
        let mut unresolved: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        let mut changes: BTreeMap<(String, Option<String>, String), Vec<String>> = BTreeMap::new();
        let mut result = template.clone();
        for (id, reference) in &new.references {
            let used_by = format!("{} ({})", id.0, id.1);
            let Some(reference) = reference else {
                if !matches!(policy, PinPolicy::Latest { .. }) {
                    continue;
                }
                let (image, why) = ("the image", "its name is unknown before the deployment");
                unresolved
                    .entry((image.to_owned(), why.to_owned()))
                    .or_default()
                    .push(used_by);
                continue;
            };
            let mut unresolved = |why: &str| {
                let of_image = unresolved.entry((reference.clone(), why.to_owned())).or_default();
                of_image.push(used_by.clone());
            };
            let choice = choose(policy, &new, &deployed, id, reference);
            if reference.contains('@') {
                // Pinned by the description.
                continue;
            }
            let image = EcrImage::parse(reference);
            let Some(image) = image.filter(|image| image.account == account && image.region == self.region()) else {
                if choice != Choice::Keep(None) {
                    unresolved("not in Amazon ECR of this account and region");
                }
                continue;
            };
            let before = deployed_digest(&deployed, id, reference);
            let digest = match choice {
                Choice::Keep(None) if *policy == PinPolicy::Deployed => {
                    unresolved("not looked up");
                    None
                }
                Choice::Keep(digest) => digest,
                Choice::LookUp { deployed } => match self.digest(&image, reference, &mut found).await {
                    Ok(digest) => Some(digest),
                    Err(why) => {
                        unresolved(&match &deployed {
                            Some(deployed) => format!("{why}; keeping {}", short(deployed)),
                            None => why,
                        });
                        deployed
                    }
                },
            };
            let Some(digest) = digest else {
                continue;
            };
            let described = described_image(&template, id);
            let (value, tag) = match described.and_then(|described| with_digest(described, &digest)) {
                // A tag may come from elsewhere, such as a parameter that has the colon, too.
                Some((value, tag)) if evaluators.0.evaluate(&value).text() == pinned_name(reference, &digest) => {
                    (value, tag)
                }
                _ => {
                    unresolved("its template value does not end in the tag");
                    continue;
                }
            };
            pin(&mut result, id, value, &tag);
            if before.as_ref() != Some(&digest) {
                changes
                    .entry((reference.clone(), before, digest))
                    .or_default()
                    .push(used_by);
            }
        }
        pinned.input.template = result;
        pinned.changes = changes
            .into_iter()
            .map(|((image, before, after), used_by)| PinChange {
                image,
                used_by: used_by.join(", "),
                before,
                after,
            })
            .collect();
        pinned.unresolved = unresolved
            .into_iter()
            .map(|((image, why), used_by)| format!("{image} of {}: {why}", used_by.join(", ")))
            .collect();
        Ok(pinned)
    }

    /// The digest of an image, with one call for each image.
    async fn digest(&self, image: &EcrImage, reference: &str, found: &mut Digests) -> Result<String, String> {
        if let Some(known) = found.get(reference) {
            return known.clone();
        }
        // The same for all images of the account.
        let denied = found
            .values()
            .find_map(|known| known.as_ref().err().filter(|why| why.starts_with(DENIED)));
        let digest = match denied {
            Some(denied) => Err(denied.clone()),
            None => match self.look_up(image).await {
                Ok(Lookup::Found {
                    digest: Some(digest), ..
                }) => Ok(digest),
                Ok(Lookup::Found { .. }) => Err("Amazon ECR returned no digest".to_owned()),
                Ok(Lookup::NoRepository | Lookup::NoImage) => Err("not found in Amazon ECR".to_owned()),
                Err(error) if error.kind() == ErrorKind::AccessDenied => Err(format!("{DENIED}{error}")),
                Err(error) => Err(error.to_string()),
            },
        };
        found.insert(reference.to_owned(), digest.clone());
        digest
    }
}

/// The beginning of the reason if a call was denied.
const DENIED: &str = "denied: ";

/// The parameters of a deployed stack.
fn parameters(stack: Option<&DeployedStack>) -> BTreeMap<String, String> {
    stack.into_iter().flat_map(|stack| stack.parameters.clone()).collect()
}

fn deployed_digest(deployed: &Images<'_>, id: &ContainerId, reference: &str) -> Option<String> {
    deployed.digest_of(id, reference).flatten()
}

/// The image of a container as the template has it.
fn described_image<'t>(template: &'t Template, (definition, container): &ContainerId) -> Option<&'t serde_json::Value> {
    let containers = template.resources.get(definition)?.properties["ContainerDefinitions"].as_array()?;
    let found = containers
        .iter()
        .find(|found| found["Name"].as_str() == Some(container));
    found.and_then(|found| found.get("Image"))
}

/// A reference with a digest in place of its tag.
fn pinned_name(reference: &str, digest: &str) -> Option<String> {
    Some(format!("{}@{digest}", &reference[..tag_start(reference)?]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_one_line_with_short_digests() {
        let digest = |digit: &str| format!("sha256:{}", digit.repeat(64));
        let change = |before| PinChange {
            image: "host/shop:1.0".to_owned(),
            used_by: "Web (app)".to_owned(),
            before,
            after: digest("b"),
        };
        assert_eq!(
            change(Some(digest("a"))).to_string(),
            "image host/shop:1.0 of Web (app): sha256:aaaaaaaaaaaa → sha256:bbbbbbbbbbbb"
        );
        assert_eq!(
            change(None).to_string(),
            "image host/shop:1.0 of Web (app): sha256:bbbbbbbbbbbb"
        );
    }
}
