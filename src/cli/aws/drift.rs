//! `diff --drift`: resources that were changed outside of CloudFormation.

use std::collections::BTreeMap;

use mesh_infra::deploy::{Drift, DriftedResource, Environment};

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

/// What to do about drifted resources. CloudFormation updates only what changes in the template, so deploying the same
/// description does not undo drift (CloudFormation user guide, "Detect unmanaged configuration changes to stacks and resources
/// with drift detection", read 2026-11-30).
fn remedies(resources: &[DriftedResource]) -> Vec<String> {
    let ids = |is_deleted: bool| {
        let meant = resources.iter().filter(|resource| resource.is_deleted == is_deleted);
        let ids: Vec<&str> = meant.map(|resource| resource.logical_id.as_str()).collect();
        (!ids.is_empty()).then(|| ids.join(", "))
    };
    let changed = ids(false).map(|ids| {
        format!(
            "Remedy for {ids}: `deploy` does not undo a change that the template does not have; set the resource back to the \
             values on the left, or put those on the right into the description and deploy"
        )
    });
    let deleted = ids(true).map(|ids| {
        format!(
            "Remedy for {ids}: `deploy` does not create a deleted resource again; create it with the same name and properties, or \
             take it out of the description, deploy, put it back and deploy again"
        )
    });
    changed.into_iter().chain(deleted).collect()
}

fn text(stack: &str, drift: &Drift) -> String {
    let heading = format!("Drift of stack {stack}");
    let heading = Stream::Stdout.style().bold().apply_to(heading);
    let mut parts = vec![match drift.is_empty() {
        true => format!("{heading}: none"),
        false => format!("{heading}, from the deployed template to the actual resources:\n{drift}"),
    }];
    parts.extend(remedies(&drift.resources));
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
