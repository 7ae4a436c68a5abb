//! Checks before a change set: the container images exist, and the quotas have room.

use std::fmt;

use mesh_infra::deploy::{DeploymentInput, Environment, ImageProblem};

use super::AwsError;
use crate::cli::images::is_own_repository;
use crate::console::Console;

/// Images that no task could run.
#[derive(Debug)]
pub(crate) struct MissingImages(Vec<ImageProblem>);

impl fmt::Display for MissingImages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tasks could not start; nothing was changed:")?;
        for problem in &self.0 {
            write!(f, "\n{problem}")?;
        }
        let is_own = |problem: &ImageProblem| is_own_repository(&problem.repository);
        if self.0.iter().any(is_own) {
            f.write_str("\nbuild and push this project's images with `cargo run -- images | sh` in its directory")?;
        }
        if !self.0.iter().all(is_own) {
            f.write_str("\nbuild and push the application's images to these repositories")?;
        }
        f.write_str("\n`--skip-checks` deploys without this check")
    }
}

impl std::error::Error for MissingImages {}

/// Quotas that the deployment would exceed.
#[derive(Debug)]
pub(crate) struct ExceededQuotas(Vec<String>);

impl fmt::Display for ExceededQuotas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the deployment would exceed quotas of the account; nothing was changed:")?;
        for problem in &self.0 {
            write!(f, "\n{problem}")?;
        }
        f.write_str("\n`--skip-checks` deploys without this check")
    }
}

impl std::error::Error for ExceededQuotas {}

/// Checks images and quotas for all stacks. What cannot be checked is one line each.
pub(crate) async fn run(
    environment: &Environment,
    inputs: &[DeploymentInput],
    console: &Console,
) -> Result<(), AwsError> {
    console.set_status("checking container images and quotas");
    let mut images: Vec<ImageProblem> = Vec::new();
    let mut quotas: Vec<String> = Vec::new();
    let (mut unchecked_images, mut unchecked_quotas) = (Vec::new(), Vec::new());
    for input in inputs {
        let check = environment.check_images(input).await?;
        images.extend(check.problems);
        unchecked_images.extend(check.unchecked);
        let check = environment.check_quotas(input).await?;
        quotas.extend(check.problems);
        unchecked_quotas.extend(check.unchecked);
    }
    console.clear_status();
    for (what, unchecked) in [("images", unchecked_images), ("quotas", unchecked_quotas)] {
        if !unchecked.is_empty() {
            console.progress(&format!("{what} that are not checked: {}", unchecked.join("; ")));
        }
    }
    if !images.is_empty() {
        return Err(MissingImages(images).into());
    }
    match quotas.is_empty() {
        true => Ok(()),
        false => Err(ExceededQuotas(quotas).into()),
    }
}
