//! Stacks of an app that use outputs of each other: their order, and what must not be deleted alone.

use mesh_infra::App;
use mesh_infra::deploy::Environment;

use super::AwsError;
use super::inputs::{self, InputError};

/// The selected stacks, or all, in deployment order.
pub(super) fn stack_names(app: &App, selected: &[String]) -> Result<Vec<String>, AwsError> {
    let names = inputs::stack_names(app, selected)?;
    if app.stacks().len() < 2 {
        return Ok(names);
    }
    let order = app.synth()?.into_keys();
    Ok(order.filter(|name| names.contains(name)).collect())
}

/// Checks that no deployed stack of the app uses outputs of the stacks, except those that are deleted as well.
pub(super) async fn expect_unused(environment: &Environment, app: &App, deleted: &[String]) -> Result<(), AwsError> {
    if app.stacks().len() < 2 {
        return Ok(());
    }
    for (user, template) in app.synth()? {
        if deleted.contains(&user) {
            continue;
        }
        let imports = template.stack_imports();
        let Some(import) = imports.iter().find(|import| deleted.contains(&import.stack)) else {
            continue;
        };
        if environment.deployed(&user).await?.is_some() {
            let used = import.stack.clone();
            return Err(InputError::StackInUse { used, user }.into());
        }
    }
    Ok(())
}
