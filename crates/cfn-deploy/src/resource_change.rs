//! Resource changes of a change set.

use std::fmt;

use aws_sdk_cloudformation::types::{
    Change as SdkChange, ChangeAction, Replacement as SdkReplacement, RequiresRecreation, ResourceAttribute,
    ResourceChangeDetail,
};

/// A change of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResourceChange {
    /// Its logical id.
    pub logical_id: String,
    /// Its type, such as `AWS::ECS::Service`.
    pub kind: String,
    /// The action of CloudFormation.
    pub action: Action,
    /// Whether the resource is replaced. [`Replacement::Never`] unless it is modified.
    pub replacement: Replacement,
    /// The changed properties or attributes, in CloudFormation's order: `ContainerDefinitions`, `Tags`.
    pub properties: Vec<String>,
    /// Those that require the replacement, with the cause of the change if that is not the template itself:
    /// `Name`, or "`Cluster` (because of `Cluster.Arn`)".
    pub replaced_because_of: Vec<String>,
}

/// CloudFormation's action for a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Create it.
    Add,
    /// Update or replace it.
    Modify,
    /// Delete it, or retain it by its deletion policy.
    Remove,
    /// Import an existing one.
    Import,
    /// Decided during the execution: a nested stack.
    Dynamic,
    /// An action that this version does not know.
    Other,
}

/// Whether a resource is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Replacement {
    /// Not replaced: `False`.
    Never,
    /// Decided during the execution: `Conditional`.
    Conditional,
    /// Replaced: `True`.
    Always,
}

impl ResourceChange {
    /// `None` if it is not a resource change.
    pub(super) fn read(change: SdkChange) -> Option<Self> {
        let change = change.resource_change?;
        let details = change.details.unwrap_or_default();
        let mut properties: Vec<String> = Vec::new();
        let mut causes: Vec<String> = Vec::new();
        for detail in &details {
            let Some(name) = name(detail) else { continue };
            let target = detail.target();
            let recreates = target.and_then(|target| target.requires_recreation());
            if recreates.is_some_and(|recreates| *recreates != RequiresRecreation::Never) {
                let because = detail.causing_entity().filter(|entity| !entity.is_empty());
                let cause = because.map_or_else(|| name.clone(), |entity| format!("{name} (because of {entity})"));
                if !causes.contains(&cause) {
                    causes.push(cause);
                }
            }
            if !properties.contains(&name) {
                properties.push(name);
            }
        }
        Some(Self {
            logical_id: change.logical_resource_id.unwrap_or_default(),
            kind: change.resource_type.unwrap_or_default(),
            action: match change.action {
                Some(ChangeAction::Add) => Action::Add,
                Some(ChangeAction::Modify) => Action::Modify,
                Some(ChangeAction::Remove) => Action::Remove,
                Some(ChangeAction::Import) => Action::Import,
                Some(ChangeAction::Dynamic) => Action::Dynamic,
                _ => Action::Other,
            },
            replacement: match change.replacement {
                Some(SdkReplacement::True) => Replacement::Always,
                Some(SdkReplacement::Conditional) => Replacement::Conditional,
                _ => Replacement::Never,
            },
            properties,
            replaced_because_of: causes,
        })
    }
}

/// The property of a detail, or its attribute: `Tags`.
fn name(detail: &ResourceChangeDetail) -> Option<String> {
    let target = detail.target()?;
    let name = target.name().filter(|name| !name.is_empty());
    name.or_else(|| target.attribute().map(ResourceAttribute::as_str))
        .map(str::to_owned)
}

/// One line: "[~] AWS::SSM::Parameter State: Value", with replacement and cause.
impl fmt::Display for ResourceChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.action {
            Action::Add => '+',
            Action::Remove => '-',
            Action::Modify => '~',
            Action::Import => '<',
            Action::Dynamic | Action::Other => '?',
        };
        write!(f, "[{sign}] {} {}", self.kind, self.logical_id)?;
        if !self.properties.is_empty() {
            write!(f, ": {}", self.properties.join(", "))?;
        }
        let causes = self.replaced_because_of.join(", ");
        match self.replacement {
            Replacement::Never => Ok(()),
            Replacement::Conditional if causes.is_empty() => write!(f, "; may be replaced"),
            Replacement::Conditional => write!(f, "; may be replaced because of {causes}"),
            Replacement::Always if causes.is_empty() => write!(f, "; will be replaced"),
            Replacement::Always => write!(f, "; will be replaced because of {causes}"),
        }
    }
}
