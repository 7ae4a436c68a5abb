//! Pins images by digest, and reports what that changes.

use mesh_infra::deploy::{DeploymentInput, Environment, PinPolicy};

use super::AwsError;
use crate::console::Console;

/// The policy, or with `--skip-checks` that without calls to Amazon ECR.
pub(crate) fn policy(skip_checks: bool, policy: PinPolicy) -> PinPolicy {
    match skip_checks {
        true => PinPolicy::Deployed,
        false => policy,
    }
}

/// All images, for stacks that are deployed as a whole.
pub(crate) fn latest() -> PinPolicy {
    PinPolicy::Latest {
        except: std::collections::BTreeSet::new(),
    }
}

/// The input with digests in place of tags. Changed digests are one line each; images whose digest is not resolved are one
/// line together.
pub(super) async fn pin(
    environment: &Environment,
    input: &DeploymentInput,
    policy: &PinPolicy,
    console: &Console,
) -> Result<DeploymentInput, AwsError> {
    let stack = input.stack();
    console.set_status(&format!("reading the image digests of {stack}"));
    let pinned = environment.pin_images(input.clone(), policy).await?;
    console.clear_status();
    for change in &pinned.changes {
        console.progress(&format!("{stack}: {change}"));
    }
    if !pinned.unresolved.is_empty() {
        let unresolved = pinned.unresolved.join("; ");
        console.progress(&format!("{stack}: images without a current digest: {unresolved}"));
    }
    Ok(pinned.input)
}
