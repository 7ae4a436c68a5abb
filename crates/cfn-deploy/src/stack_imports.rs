//! Parameters whose values are outputs of other stacks.

use std::collections::BTreeMap;

use super::deployed_stack::{Outputs, read};
use super::deployment_input::DeploymentInput;
use super::environment::Environment;
use super::error::{Error, ErrorKind};
use super::status::StackCondition;

impl Environment {
    /// Sets the parameters that are outputs of other stacks ([`cfn::StackImport`]), unless they are set already. One call for
    /// each of these stacks.
    ///
    /// A value that does not exist yet is no error here: [`Environment::compare`] shows when it will be known, and
    /// [`Environment::create_change_set`] rejects the input.
    ///
    /// # Errors
    ///
    /// If a call fails.
    pub async fn with_imports(&self, mut input: DeploymentInput) -> Result<DeploymentInput, Error> {
        let mut stacks: BTreeMap<String, Option<Outputs>> = BTreeMap::new();
        for import in input.template.stack_imports() {
            if input.parameters.contains_key(&import.parameter) {
                continue;
            }
            if !stacks.contains_key(&import.stack) {
                stacks.insert(import.stack.clone(), self.current_outputs(&import.stack).await?);
            }
            let outputs = stacks.get(&import.stack).and_then(Option::as_ref);
            match outputs.map(|outputs| outputs.get(&import.output)) {
                Some(Some(output)) => input = input.with_parameter(import.parameter, output.value.as_str()),
                Some(None) => {
                    let reason = format!("stack `{}` has no output `{}` yet", import.stack, import.output);
                    input.unavailable.insert(import.parameter, reason);
                }
                None => {
                    let reason = format!("stack `{}` is not deployed yet", import.stack);
                    input.unavailable.insert(import.parameter, reason);
                }
            }
        }
        Ok(input)
    }

    /// The outputs of a stack in whatever status. `None` if there is none.
    async fn current_outputs(&self, stack: &str) -> Result<Option<Outputs>, Error> {
        let found = self.describe(stack).await?.map(read);
        let exists = |condition| !matches!(condition, StackCondition::Deleted | StackCondition::ReviewInProgress);
        Ok(found
            .filter(|stack| exists(stack.status.condition()))
            .map(|stack| stack.outputs))
    }
}

impl DeploymentInput {
    /// Why values of other stacks are missing; `None` if none is.
    pub(crate) fn missing_imports(&self) -> Option<String> {
        let mut reasons: Vec<&str> = self.unavailable.values().map(String::as_str).collect();
        reasons.dedup();
        (!reasons.is_empty()).then(|| reasons.join(", "))
    }

    /// Checks that all values of other stacks are known.
    pub(crate) fn require_imports(&self) -> Result<(), Error> {
        match self.missing_imports() {
            None => Ok(()),
            Some(reasons) => Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "stack `{}` cannot be deployed: {reasons}; deploy that stack first",
                    self.stack
                ),
            )),
        }
    }
}
