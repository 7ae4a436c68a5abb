//! `destroy`: deletes stacks and their leftovers, the last stack first.

use mesh_infra::deploy::{Destroyed, Environment};

use super::AwsError;
use super::confirm::confirm;
use super::inputs::OWNER_TAG;
use super::progress::StackProgress;
use crate::console::Console;

/// Deletes stacks one after the other, in the reverse order of their deployment.
pub(crate) async fn run(
    environment: &Environment,
    app: &str,
    stacks: &[String],
    yes: bool,
    console: &Console,
) -> Result<(), AwsError> {
    for stack in stacks {
        environment.check_stack_owner(stack, OWNER_TAG, app).await?;
    }
    let question = format!(
        "This deletes {} in {} with all resources. Continue?",
        list(stacks),
        environment.region()
    );
    confirm(console, &question, yes).await?;
    for stack in stacks.iter().rev() {
        let mut progress = StackProgress::new(console, format!("deleting {stack}"));
        let destroyed = environment.destroy(stack, &mut progress).await?;
        console.clear_status();
        report(stack, &destroyed, console);
    }
    match environment.remaining_template_bucket().await {
        Ok(None) => {}
        Ok(Some(bucket)) => console.progress(&format!(
            "bucket {bucket} remains, for the templates of all stacks in {}; templates in it expire after 30 days, and `aws s3 \
             rb s3://{bucket} --force` removes it",
            environment.region()
        )),
        Err(error) => console.progress(&format!("cannot find out whether a bucket of templates remains: {error}")),
    }
    Ok(())
}

fn report(stack: &str, destroyed: &Destroyed, console: &Console) {
    let result = match destroyed.existed {
        true => "deleted",
        false => "does not exist, nothing to delete",
    };
    console.progress(&format!("{stack}: {result}"));
    for removed in &destroyed.removed {
        console.progress(&format!("{stack}: also removed {removed}"));
    }
    for leftover in &destroyed.left {
        console.progress(&format!("{stack}: left {}, because {}", leftover.what, leftover.why));
    }
}

fn list(stacks: &[String]) -> String {
    match stacks {
        [one] => format!("stack {one}"),
        several => format!("the stacks {}", several.join(", ")),
    }
}
