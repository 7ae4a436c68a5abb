//! `diff --drift`: resources that were changed outside of CloudFormation.

use mesh_infra::deploy::{Drift, Environment};

use super::AwsError;
use super::change_format::Stream;
use crate::console::{Console, print};

/// Prints the drift of all stacks. Returns whether there is any.
pub(crate) async fn run(environment: &Environment, stacks: &[String], console: &Console) -> Result<bool, AwsError> {
    let mut differs = false;
    for stack in stacks {
        console.set_status(&format!("detecting drift of {stack}"));
        let drift = environment.detect_drift(stack).await?;
        console.clear_status();
        // A stack that is not deployed has no resources; the comparison of the templates says so.
        let Some(drift) = drift else { continue };
        differs |= !drift.is_empty();
        print(&text(stack, &drift))?;
    }
    Ok(differs)
}

fn text(stack: &str, drift: &Drift) -> String {
    let heading = format!("Drift of stack {stack}");
    let heading = Stream::Stdout.style().bold().apply_to(heading);
    let mut parts = vec![match drift.is_empty() {
        true => format!("{heading}: none"),
        false => format!("{heading}, from the deployed template to the actual resources:\n{drift}"),
    }];
    if !drift.unknown.is_empty() {
        parts.push(format!("Not read by CloudFormation: {}", drift.unknown.join("; ")));
    }
    if !drift.unsupported.is_empty() {
        parts.push(format!(
            "Types without drift detection: {}",
            drift.unsupported.join(", ")
        ));
    }
    parts.iter().map(|part| part.trim_end()).collect::<Vec<_>>().join("\n")
}
