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

/// Checks images and quotas for all stacks of a deployment. What cannot be checked is one line each.
///
/// A missing repository is an error only if `meshwright images` pushes to it: the first pull creates that of a pull-through
/// cache, whose rules can have any prefix (ECR user guide, "Sync an upstream registry with an Amazon ECR private registry",
/// read 2026-11-30).
pub(crate) async fn run(
    environment: &Environment,
    inputs: &[DeploymentInput],
    console: &Console,
) -> Result<(), AwsError> {
    console.set_status("checking container images and quotas");
    let images = environment.check_images(inputs).await?;
    let quotas = environment.check_quotas(inputs).await?;
    console.clear_status();
    for (what, unchecked) in [("images", images.unchecked), ("quotas", quotas.unchecked)] {
        if !unchecked.is_empty() {
            console.progress(&format!("{what} that are not checked: {}", unchecked.join("; ")));
        }
    }
    let (cached, missing): (Vec<_>, Vec<_>) = images
        .problems
        .into_iter()
        .partition(|problem: &ImageProblem| may_be_cached(problem.is_repository_missing, &problem.repository));
    for problem in cached {
        console.progress(&format!(
            "warning: {problem}; tasks start only if a pull-through cache rule has its prefix, or the image is pushed"
        ));
    }
    if !missing.is_empty() {
        return Err(MissingImages(missing).into());
    }
    match quotas.problems.is_empty() {
        true => Ok(()),
        false => Err(ExceededQuotas(quotas.problems).into()),
    }
}

/// Whether the first pull may create the repository.
fn may_be_cached(is_repository_missing: bool, repository: &str) -> bool {
    is_repository_missing && !is_own_repository(repository)
}

#[cfg(test)]
mod tests {
    use super::may_be_cached;

    #[test]
    fn only_repositories_of_other_images_may_be_caches() {
        for (is_repository_missing, repository, expected) in [
            (true, "team-cache/nginx", true),
            (false, "team-cache/nginx", false),
            (true, "meshwright/envoy", false),
            (true, "meshwright/demo-service", false),
        ] {
            assert_eq!(
                may_be_cached(is_repository_missing, repository),
                expected,
                "{repository}"
            );
        }
    }
}
