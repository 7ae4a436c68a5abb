//! Checks before a change set: the container images exist.

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
            f.write_str("\nbuild and push this project's images with `meshwright images | sh` in its directory")?;
        }
        if !self.0.iter().all(is_own) {
            f.write_str("\nbuild and push the application's images to these repositories")?;
        }
        f.write_str("\n`--skip-checks` deploys without this check")
    }
}

impl std::error::Error for MissingImages {}

/// Checks the images of all stacks. What cannot be checked is one line.
pub(crate) async fn run(
    environment: &Environment,
    inputs: &[DeploymentInput],
    console: &Console,
) -> Result<(), AwsError> {
    console.set_status("checking container images");
    let mut problems: Vec<ImageProblem> = Vec::new();
    let mut unchecked: Vec<String> = Vec::new();
    for input in inputs {
        let check = environment.check_images(input).await?;
        problems.extend(check.problems);
        unchecked.extend(check.unchecked);
    }
    console.clear_status();
    if !unchecked.is_empty() {
        console.progress(&format!("images that are not checked: {}", unchecked.join("; ")));
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(MissingImages(problems).into()),
    }
}
