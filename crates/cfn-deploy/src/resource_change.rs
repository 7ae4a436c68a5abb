//! What a change set says about one resource.

use std::fmt;

use aws_sdk_cloudformation::types::{
    Change as SdkChange, ChangeAction, Replacement as SdkReplacement, RequiresRecreation, ResourceAttribute,
    ResourceChangeDetail,
};

/// What becomes of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceChange {
    /// Its logical id.
    pub logical_id: String,
    /// Its type, such as `AWS::ECS::Service`.
    pub kind: String,
    /// What CloudFormation does.
    pub action: Action,
    /// Whether the resource is replaced by a new one. [`Replacement::Never`] unless it is modified.
    pub replacement: Replacement,
    /// The properties or attributes that change, in CloudFormation's order: `ContainerDefinitions`, `Tags`.
    pub properties: Vec<String>,
    /// Those of them that demand the replacement, each with what made it change if that is not the template itself:
    /// `Name`, or "`Cluster` (because of `Cluster.Arn`)".
    pub replaced_because_of: Vec<String>,
}

/// What CloudFormation does with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Creates it.
    Add,
    /// Changes it, or replaces it.
    Modify,
    /// Deletes it, or lets go of it if its deletion policy says so.
    Remove,
    /// Takes in one that exists.
    Import,
    /// Finds out when it is there: a nested stack.
    Dynamic,
    /// Something this version does not know.
    Other,
}

/// Whether a resource is replaced by a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Replacement {
    /// It stays the same one: `False`.
    Never,
    /// That turns out only while it is done: `Conditional`.
    Conditional,
    /// A new one takes its place: `True`.
    Always,
}

impl ResourceChange {
    /// Nothing for what is no change of a resource.
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

/// The property that a detail is about, or else the attribute: `Tags`.
fn name(detail: &ResourceChangeDetail) -> Option<String> {
    let target = detail.target()?;
    let name = target.name().filter(|name| !name.is_empty());
    name.or_else(|| target.attribute().map(ResourceAttribute::as_str))
        .map(str::to_owned)
}

/// One line: "[~] AWS::SSM::Parameter State: Value", with what is replaced and why.
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
