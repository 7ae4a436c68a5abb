//! `diff`: what deploying would change, and what CloudFormation would replace.

use std::process::ExitCode;

use mesh_infra::deploy::{Comparison, DeploymentInput, Environment, Replacement};

use super::change_format::Shown;
use crate::console::{Console, print};

/// The exit code for a difference, if somebody asks for it. 1 is for errors and 2 for mistakes on the command line.
const DIFFERS: u8 = 3;

/// Prints the differences of all stacks.
pub(crate) async fn run(
    account: &Environment,
    requests: &[DeploymentInput],
    exit_code: bool,
    console: &Console,
) -> Result<ExitCode, String> {
    let mut differs = false;
    for request in requests {
        let stack = request.stack();
        console.waiting(&format!("comparing {stack}"));
        let compared = account.compare(request).await.map_err(|error| error.to_string())?;
        console.at_rest();
        differs |= !compared.is_empty();
        print(&text(stack, &compared))?;
    }
    Ok(match differs && exit_code {
        true => ExitCode::from(DIFFERS),
        false => ExitCode::SUCCESS,
    })
}

fn text(stack: &str, compared: &Comparison) -> String {
    let mut parts = Vec::new();
    let heading = Shown::AsResult.style().bold().apply_to(format!("Stack {stack}"));
    match &compared.status {
        None => parts.push(format!("{heading}: not deployed, everything would be created")),
        Some(_) if compared.is_empty() => return format!("{heading}: nothing would change"),
        Some(_) => parts.push(heading.to_string()),
    }
    if !compared.diff.is_empty() {
        parts.push(compared.diff.to_string().trim_end().to_owned());
    }
    if !compared.parameters.is_empty() {
        parts.push(Shown::AsResult.parameters(&compared.parameters));
    }
    match &compared.changes {
        Ok(changes) => {
            let replaced: Vec<_> = changes
                .iter()
                .filter(|change| change.replacement != Replacement::Never)
                .cloned()
                .collect();
            if !replaced.is_empty() {
                let heading = Shown::AsResult
                    .style()
                    .bold()
                    .apply_to("CloudFormation would replace, or may have to:");
                parts.push(format!("{heading}\n{}", Shown::AsResult.resources(&replaced)));
            }
            // Values that follow from what is replaced, or that are not in the template at all.
            if compared.diff.is_empty() && compared.parameters.is_empty() && replaced.is_empty() {
                parts.push(Shown::AsResult.resources(changes));
            }
        }
        Err(reason) => parts.push(format!("What CloudFormation would replace is not known: {reason}")),
    }
    if !compared.security.is_empty() {
        parts.push(Shown::AsResult.security(&compared.security));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}
