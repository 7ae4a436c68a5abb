//! `diff --drift`: resources that were changed outside of CloudFormation.

use std::collections::BTreeMap;

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

/// "AWS::ECS::Service (3), AWS::EC2::VPC" from "Web (AWS::ECS::Service)" and so on.
fn by_type(resources: &[String]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for resource in resources {
        let kind = resource.rsplit_once(" (").map_or(resource.as_str(), |(_, kind)| kind);
        *counts.entry(kind.trim_end_matches(')')).or_default() += 1;
    }
    let texts = counts.into_iter().map(|(kind, count)| match count {
        1 => kind.to_owned(),
        count => format!("{kind} ({count})"),
    });
    texts.collect::<Vec<_>>().join(", ")
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
        parts.push(format!("Without drift detection: {}", by_type(&drift.unsupported)));
    }
    parts.iter().map(|part| part.trim_end()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_counted_by_type() {
        let resources = ["A (AWS::ECS::Service)", "Vpc (AWS::EC2::VPC)", "B (AWS::ECS::Service)"].map(str::to_owned);
        assert_eq!(by_type(&resources), "AWS::EC2::VPC, AWS::ECS::Service (2)");
    }
}
