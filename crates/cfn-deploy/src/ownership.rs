//! Ownership of stacks: a stack of the same name may belong to another app or team.

use super::deployed_stack::{DeployedStack, read};
use super::deployment_input::DeploymentInput;
use super::environment::Environment;
use super::error::{Error, ErrorKind};
use super::status::StackCondition;

impl Environment {
    /// Rejects a stack whose owner tag is missing or has another value, unless the input adopts it.
    pub(super) fn check_owner(&self, stack: &DeployedStack, input: &DeploymentInput) -> Result<(), Error> {
        let Some(key) = input.owner_tag.as_ref().filter(|_| !input.is_adopted) else {
            return Ok(());
        };
        let owner = input.tags.get(key).map(String::as_str).unwrap_or_default();
        self.check_tag(stack, key, owner)
    }

    /// Rejects an existing stack whose tag `key` is missing or has another value than `owner`. One call.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Foreign`] for a stack of another owner, and errors of the call.
    pub async fn check_stack_owner(&self, stack: &str, key: &str, owner: &str) -> Result<(), Error> {
        match self.describe(stack).await?.map(read) {
            Some(found) if found.status.condition() != StackCondition::Deleted => self.check_tag(&found, key, owner),
            _ => Ok(()),
        }
    }

    fn check_tag(&self, stack: &DeployedStack, key: &str, owner: &str) -> Result<(), Error> {
        let Some(found) = other_owner(stack, key, owner) else {
            return Ok(());
        };
        let message = format!(
            "stack `{}` in {} {found}. Rename the stack of this app, or take that stack over with `deploy --adopt`",
            stack.name,
            self.region()
        );
        Err(Error::new(ErrorKind::Foreign, message))
    }
}

/// The other owner of a stack that the input takes over: "belongs to app `billing` …".
pub(super) fn adopted_from(stack: &DeployedStack, input: &DeploymentInput) -> Option<String> {
    let key = input.owner_tag.as_ref().filter(|_| input.is_adopted)?;
    let owner = input.tags.get(key).map(String::as_str).unwrap_or_default();
    other_owner(stack, key, owner)
}

/// Whose stack it is, if not this owner's.
fn other_owner(stack: &DeployedStack, key: &str, owner: &str) -> Option<String> {
    // A stack in review has no resources; its tags are those of its change set.
    if stack.status.condition() == StackCondition::ReviewInProgress {
        return None;
    }
    match stack.tags.get(key) {
        Some(found) if found == owner => None,
        Some(found) => Some(format!("belongs to app `{found}` (tag `{key}`), not to `{owner}`")),
        None => Some(format!("was not created by this tool: it lacks the tag `{key}`")),
    }
}
