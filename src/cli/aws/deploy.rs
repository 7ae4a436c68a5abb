//! `deploy`: creates a change set for each stack, prints it, confirms and executes it.

use mesh_infra::deploy::{ChangeSet, ChangeSetOutcome, DeploymentInput, Environment, ErrorKind, Outputs, PinPolicy};

use super::change_format::Stream;
use super::confirm::confirm;
use super::progress::StackProgress;
use super::{AwsError, adoption, allowed, failure, outputs, pins};
use crate::console::Console;

/// Deploys stacks one after the other.
pub(crate) async fn run(
    environment: &Environment,
    inputs: &[DeploymentInput],
    policy: &PinPolicy,
    yes: bool,
    console: &Console,
) -> Result<(), AwsError> {
    let mut deployed: Vec<String> = Vec::new();
    for input in inputs {
        console.set_status(&format!("reading what {} uses of other stacks", input.stack()));
        let input = &environment.with_imports(input.clone()).await?;
        let outputs = deploy_stack(environment, input, policy, yes, console).await;
        let outputs = outputs.map_err(|error| match error {
            AwsError::Confirm(confirm) if !deployed.is_empty() => AwsError::UnconfirmedStack {
                stack: input.stack().to_owned(),
                deployed: deployed.join(", "),
                confirm,
            },
            error => error,
        })?;
        deployed.push(input.stack().to_owned());
        console.clear_status();
        outputs::show_stack(input.stack(), &outputs);
    }
    Ok(())
}

/// Deploys one stack with images pinned by digest, after any operation in progress. Returns its outputs.
pub(crate) async fn deploy_stack(
    environment: &Environment,
    input: &DeploymentInput,
    policy: &PinPolicy,
    yes: bool,
    console: &Console,
) -> Result<Outputs, AwsError> {
    let stack = input.stack();
    let create = async || -> Result<_, AwsError> {
        let input = pins::pin(environment, input, policy, console).await?;
        console.set_status(&format!("creating a change set for {stack}"));
        Ok(environment.create_change_set(&input).await?)
    };
    let outcome = match create().await {
        Err(AwsError::Deploy(error)) if error.kind() == ErrorKind::Busy => {
            console.progress(&format!("{stack}: waiting for the operation in progress"));
            let mut progress = StackProgress::new(console, format!("waiting for {stack}"));
            // A failure of that operation is not this command's; the next change set reports the stack's state.
            if let Err(error) = environment.wait(stack, &mut progress).await {
                console.progress(&format!("{stack}: {}", failure::text(&error)));
            }
            // The deployed digests may have changed.
            create().await
        }
        outcome => outcome,
    };
    warn_about_open_access(input, console);
    match outcome? {
        ChangeSetOutcome::NoChanges(outputs) => {
            console.progress(&format!("{stack}: no changes"));
            Ok(outputs)
        }
        ChangeSetOutcome::Ready(change_set) => execute(change_set, yes, console).await,
    }
}

/// Warns of an endpoint that is open to everyone, whatever `--yes` confirms.
fn warn_about_open_access(input: &DeploymentInput, console: &Console) {
    for name in allowed::open_to_all(|name| input.parameter(name)) {
        let stack = input.stack();
        console.progress(&format!(
            "warning: {stack}: {name} opens the load balancers to the whole internet"
        ));
    }
}

/// Confirms the permission and network changes that deploying `input` makes, and the takeover of another owner's stack, before anything is recorded or changed.
pub(crate) async fn confirm_security(
    environment: &Environment,
    input: &DeploymentInput,
    yes: bool,
    console: &Console,
) -> Result<(), AwsError> {
    let stack = input.stack();
    console.set_status(&format!("comparing {stack}"));
    let comparison = environment.compare(input).await?;
    console.clear_status();
    if !comparison.security.is_empty() {
        console.progress(&Stream::Stderr.security(&comparison.security));
    }
    if let Some(owner) = &comparison.adopted_from {
        console.progress(&adoption::describe(stack, owner, comparison.changes.as_deref()));
    }
    match question(
        stack,
        comparison.adopted_from.is_some(),
        !comparison.security.is_empty(),
    ) {
        Some(question) => Ok(confirm(console, &question, yes).await?),
        None => Ok(()),
    }
}

/// What is asked before a deployment, if anything.
fn question(stack: &str, is_adoption: bool, changes_security: bool) -> Option<String> {
    match (is_adoption, changes_security) {
        (true, _) => Some(format!(
            "This takes over stack {stack} of another owner, with the changes above. Continue?"
        )),
        (false, true) => Some(format!("{stack} changes permissions or network access. Continue?")),
        (false, false) => None,
    }
}

async fn execute(change_set: ChangeSet, yes: bool, console: &Console) -> Result<Outputs, AwsError> {
    let stack = change_set.stack().to_owned();
    let verb = if change_set.is_creation() {
        "creating"
    } else {
        "updating"
    };
    if let Some(url) = change_set.template_url() {
        console.progress(&format!("{stack}: template uploaded to {url}"));
    }
    let count = change_set.changes().len();
    let noun = if count == 1 { "resource" } else { "resources" };
    match change_set.is_retry() {
        true => console.progress(&format!("{stack}: trying the failed resources again, without rollback")),
        false => console.progress(&format!("{stack}: {verb}, {count} {noun} changed")),
    }
    if change_set.is_rollback_disabled() && !change_set.is_retry() {
        console.progress(&format!("{stack}: a failure will not be rolled back"));
    }
    console.progress(&Stream::Stderr.resources(change_set.changes()));
    let adoption = change_set
        .adopted_from()
        .map(|owner| adoption::describe(&stack, owner, Ok(change_set.changes())));
    if !change_set.parameters().is_empty() {
        console.progress(&Stream::Stderr.parameters(change_set.parameters()));
    }
    if !change_set.security().is_empty() {
        console.progress(&Stream::Stderr.security(change_set.security()));
    }
    if let Some(adoption) = &adoption {
        console.progress(adoption);
    }
    if let Some(question) = question(&stack, adoption.is_some(), !change_set.security().is_empty())
        && let Err(error) = confirm(console, &question, yes).await
    {
        return Err(match change_set.discard().await {
            Ok(()) => error.into(),
            Err(discard) => AwsError::NotDiscarded {
                confirm: error,
                error: discard,
            },
        });
    }
    let mut progress = StackProgress::new(console, format!("{verb} {stack}"));
    let outputs = change_set.execute(&mut progress).await;
    let outputs = outputs.inspect_err(|error| failure::save_logs(&stack, error, console))?;
    console.clear_status();
    console.progress(&format!("{stack}: done"));
    Ok(outputs)
}
