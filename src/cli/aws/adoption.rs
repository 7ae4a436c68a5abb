//! `deploy --adopt`: what taking over a stack of another owner does to its resources. Pure.

use mesh_infra::deploy::{Action, Replacement, ResourceChange};

/// Whose stack it is, and what happens to its resources. `changes` are those of the change set, or why they are unknown.
pub(super) fn describe(stack: &str, owner: &str, changes: Result<&[ResourceChange], &String>) -> String {
    let changes = match changes {
        Ok(changes) => changes,
        Err(reason) => {
            return format!("{stack} {owner}. What taking it over does to its resources is unknown: {reason}");
        }
    };
    let ids = |effect| {
        let affected = changes.iter().filter(|change| Effect::of(change) == effect);
        let affected: Vec<&str> = affected.map(|change| change.logical_id.as_str()).collect();
        match affected.is_empty() {
            true => "none".to_owned(),
            false => affected.join(", "),
        }
    };
    format!(
        "{stack} {owner}. Taking it over deletes: {}; replaces, or may replace: {}; changes: {}",
        ids(Effect::Deleted),
        ids(Effect::Replaced),
        ids(Effect::Changed)
    )
}

/// What happens to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Created,
    Changed,
    Replaced,
    Deleted,
}

impl Effect {
    fn of(change: &ResourceChange) -> Self {
        match (change.action, change.replacement) {
            (Action::Add | Action::Import, _) => Self::Created,
            (Action::Remove, _) => Self::Deleted,
            (_, Replacement::Always | Replacement::Conditional) => Self::Replaced,
            (_, Replacement::Never) => Self::Changed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_changes_have_their_reason() {
        let reason = "stack `shop` is in status UPDATE_IN_PROGRESS".to_owned();
        assert_eq!(
            describe("shop", "belongs to app `billing`", Err(&reason)),
            "shop belongs to app `billing`. What taking it over does to its resources is unknown: stack `shop` is in status \
             UPDATE_IN_PROGRESS"
        );
    }
}
