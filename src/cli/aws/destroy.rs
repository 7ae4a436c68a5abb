//! `destroy`: stacks and what they left, the last one first.

use mesh_infra::deploy::{Destroyed, Environment};

use super::confirm;
use super::progress::Shown;
use crate::console::Console;

/// Destroys one stack after the other, in the reverse order of their deployment.
pub(crate) async fn run(account: &Environment, stacks: &[String], yes: bool, console: &Console) -> Result<(), String> {
    let question = format!(
        "This deletes {} in {}, with everything in it. Go on?",
        in_words(stacks),
        account.region()
    );
    confirm::ask(console, &question, yes).await?;
    for stack in stacks.iter().rev() {
        let mut shown = Shown::new(console, format!("deleting {stack}"));
        let destroyed = account
            .destroy(stack, &mut shown)
            .await
            .map_err(|error| error.to_string())?;
        console.at_rest();
        tell(stack, &destroyed, console);
    }
    Ok(())
}

fn tell(stack: &str, destroyed: &Destroyed, console: &Console) {
    let what = match destroyed.existed {
        true => "deleted",
        false => "there is no such stack, so there was nothing to delete",
    };
    console.progress(&format!("{stack}: {what}"));
    for removed in &destroyed.removed {
        console.progress(&format!("{stack}: also removed {removed}"));
    }
    for left in &destroyed.left {
        console.progress(&format!("{stack}: left {}, because {}", left.what, left.why));
    }
}

fn in_words(stacks: &[String]) -> String {
    match stacks {
        [one] => format!("stack {one}"),
        several => format!("the stacks {}", several.join(", ")),
    }
}
