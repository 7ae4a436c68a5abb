//! `outputs`: what deployed stacks tell.

use console::style;
use mesh_infra::deploy::{Environment, Outputs};
use serde_json::{Map, Value};

use crate::console::{print, show};

/// Prints what the stacks tell.
pub(crate) async fn run(account: &Environment, stacks: &[String], json: bool) -> Result<(), String> {
    let mut document = Map::new();
    for stack in stacks {
        let told = account.outputs(stack).await.map_err(|error| error.to_string())?;
        let told = told.ok_or_else(|| format!("stack `{stack}` is not deployed in {}", account.region()))?;
        if json {
            let values = told.into_iter().map(|(name, output)| (name, Value::from(output.value)));
            document.insert(stack.clone(), values.collect::<Map<_, _>>().into());
        } else {
            tell(stack, &told);
        }
    }
    match json {
        true => print(&format!("{:#}", Value::from(document))),
        false => Ok(()),
    }
}

/// Prints what one stack tells.
pub(crate) fn tell(stack: &str, told: &Outputs) {
    for (name, output) in told {
        let what = output.description.as_deref().map(|text| format!("   # {text}"));
        let what = style(what.unwrap_or_default()).dim();
        show(&format!("{stack}.{name} = {}{what}", output.value));
    }
}
