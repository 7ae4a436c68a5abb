//! `outputs`: prints the outputs of deployed stacks.

use console::style;
use mesh_infra::Output;
use mesh_infra::deploy::{Environment, Outputs, StackOutput};
use serde_json::{Map, Value};

use super::AwsError;
use crate::console::{print, show};

/// Prints the outputs of stacks.
pub(crate) async fn run(environment: &Environment, stacks: &[String], json: bool) -> Result<(), AwsError> {
    let mut document = Map::new();
    for stack in stacks {
        let outputs = environment.outputs(stack).await?;
        let outputs = outputs.ok_or_else(|| AwsError::NotDeployed {
            stack: stack.clone(),
            region: environment.region().to_owned(),
        })?;
        if json {
            let values = outputs
                .into_iter()
                .map(|(name, output)| (name, Value::from(output.value)));
            document.insert(stack.clone(), values.collect::<Map<_, _>>().into());
        } else {
            show_stack(stack, &outputs);
        }
    }
    if json {
        print(&format!("{:#}", Value::from(document)))?;
    }
    Ok(())
}

/// Prints the outputs of one stack, except those for other stacks.
pub(crate) fn show_stack(stack: &str, outputs: &Outputs) {
    let is_for_people = |output: &StackOutput| output.description.as_deref() != Some(Output::FOR_OTHER_STACKS);
    for (name, output) in outputs.iter().filter(|(_, output)| is_for_people(output)) {
        let comment = output.description.as_deref().map(|text| format!("   # {text}"));
        let comment = style(comment.unwrap_or_default()).dim();
        show(&format!("{stack}.{name} = {}{comment}", output.value));
    }
}
