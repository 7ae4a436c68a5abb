//! What a migration changes, and why.

use std::fmt;

/// One change of a resource, parameter or output.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The stack's name.
    pub stack: String,
    /// The logical id.
    pub logical_id: String,
    /// The type of the resource, or `Parameter` or `Output`.
    pub resource_type: String,
    /// Whether it was added, changed or removed.
    pub kind: ChangeKind,
    /// What changes.
    pub what: String,
    /// Why.
    pub reason: String,
}

/// The kind of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum ChangeKind {
    Added,
    Changed,
    Removed,
    /// Nothing: it stays as it is, and needs the reader's attention.
    Kept,
}

impl fmt::Display for Change {
    /// One line: `~ app/Blue (AWS::ECS::Service): what: reason`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.kind {
            ChangeKind::Added => '+',
            ChangeKind::Changed => '~',
            ChangeKind::Removed => '-',
            ChangeKind::Kept => '!',
        };
        let Self {
            stack,
            logical_id,
            resource_type,
            what,
            reason,
            ..
        } = self;
        write!(f, "{sign} {stack}/{logical_id} ({resource_type}): {what}: {reason}")
    }
}

/// Collects changes.
#[derive(Debug, Default)]
pub(crate) struct Changes(pub(crate) Vec<Change>);

impl Changes {
    pub(crate) fn add(
        &mut self,
        (stack, logical_id, resource_type): (&str, &str, &str),
        kind: ChangeKind,
        what: impl Into<String>,
        reason: impl Into<String>,
    ) {
        self.0.push(Change {
            stack: stack.to_owned(),
            logical_id: logical_id.to_owned(),
            resource_type: resource_type.to_owned(),
            kind,
            what: what.into(),
            reason: reason.into(),
        });
    }
}
