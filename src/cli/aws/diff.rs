//! `diff`: compares the app with the deployed stacks, and lists the resources that CloudFormation would replace.

use mesh_infra::deploy::{Comparison, DeploymentInput, Environment, PinPolicy, Replacement};

use super::change_format::Stream;
use super::{AwsError, pins};
use crate::console::{Console, print};
use crate::exit_code::Exit;

/// Prints the differences of all stacks.
pub(crate) async fn run(
    environment: &Environment,
    inputs: &[DeploymentInput],
    policy: &PinPolicy,
    exit_code: bool,
    console: &Console,
) -> Result<Exit, AwsError> {
    let mut differs = false;
    for input in inputs {
        let stack = input.stack();
        console.set_status(&format!("comparing {stack}"));
        let input = &environment.with_imports(input.clone()).await?;
        let input = &pins::pin(environment, input, policy, console).await?;
        console.set_status(&format!("comparing {stack}"));
        let comparison = environment.compare(input).await?;
        console.clear_status();
        differs |= !comparison.is_empty();
        print(&text(stack, &comparison))?;
    }
    Ok(match differs && exit_code {
        true => Exit::Differences,
        false => Exit::Done,
    })
}

fn text(stack: &str, comparison: &Comparison) -> String {
    let stdout = Stream::Stdout;
    let mut parts = Vec::new();
    let heading = stdout.style().bold().apply_to(format!("Stack {stack}"));
    match &comparison.status {
        None => parts.push(format!("{heading}: not deployed, all resources would be created")),
        Some(_) if comparison.is_empty() => return format!("{heading}: no changes"),
        Some(_) => parts.push(heading.to_string()),
    }
    if !comparison.diff.is_empty() {
        parts.push(comparison.diff.to_string().trim_end().to_owned());
    }
    if !comparison.parameters.is_empty() {
        parts.push(stdout.parameters(&comparison.parameters));
    }
    match &comparison.changes {
        Ok(changes) => {
            let replaced: Vec<_> = changes
                .iter()
                .filter(|change| change.replacement != Replacement::Never)
                .cloned()
                .collect();
            if !replaced.is_empty() {
                let heading = stdout
                    .style()
                    .bold()
                    .apply_to("CloudFormation would replace, or may replace:");
                parts.push(format!("{heading}\n{}", stdout.resources(&replaced)));
            }
            // Changes that are in neither the template nor the parameters, such as values from other stacks.
            if comparison.diff.is_empty() && comparison.parameters.is_empty() && replaced.is_empty() {
                parts.push(stdout.resources(changes));
            }
        }
        Err(reason) => parts.push(format!("Replacements are unknown: {reason}")),
    }
    if !comparison.security.is_empty() {
        parts.push(stdout.security(&comparison.security));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}
