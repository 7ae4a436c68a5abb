//! `deploy`: a change set for each stack, shown, approved and carried out.

use mesh_infra::deploy::{ChangeSet, ChangeSetOutcome, DeploymentInput, Environment, Error, ErrorKind, Outputs};

use super::progress::Shown;
use super::{change_format, confirm, outputs};
use crate::console::Console;

/// Why a stack was not deployed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotDeployed {
    /// The account, or what is wanted of it.
    #[error("{0}")]
    Environment(#[from] Error),
    /// Somebody did not want it, or could not be asked.
    #[error("{0}")]
    Unwanted(String),
}

/// Deploys one stack after the other.
pub(crate) async fn run(
    account: &Environment,
    requests: &[DeploymentInput],
    yes: bool,
    console: &Console,
) -> Result<(), String> {
    for request in requests {
        let stack = request.stack();
        let told = one(account, request, yes, console)
            .await
            .map_err(|error| error.to_string())?;
        console.at_rest();
        outputs::tell(stack, &told);
    }
    Ok(())
}

/// Deploys one stack, after whatever is under way on it. Answers what it tells.
pub(crate) async fn one(
    account: &Environment,
    request: &DeploymentInput,
    yes: bool,
    console: &Console,
) -> Result<Outputs, NotDeployed> {
    let stack = request.stack();
    console.waiting(&format!("asking CloudFormation what {stack} would change"));
    let preparation = match account.create_change_set(request).await {
        Err(error) if error.kind() == ErrorKind::Busy => {
            console.progress(&format!("{stack}: an operation is under way, which is followed first"));
            let mut shown = Shown::new(console, format!("following {stack}"));
            // Whether it failed is for whoever began it; what comes next says where the stack stands.
            if let Err(error) = account.wait(stack, &mut shown).await {
                console.progress(&format!("{stack}: {error}"));
            }
            account.create_change_set(request).await
        }
        prepared => prepared,
    };
    match preparation? {
        ChangeSetOutcome::NoChanges(told) => {
            console.progress(&format!("{stack}: nothing to do"));
            Ok(told)
        }
        ChangeSetOutcome::Ready(prepared) => carry_out(prepared, yes, console).await,
    }
}

async fn carry_out(prepared: ChangeSet, yes: bool, console: &Console) -> Result<Outputs, NotDeployed> {
    let stack = prepared.stack().to_owned();
    let verb = if prepared.is_creation() { "creating" } else { "updating" };
    console.progress(&format!(
        "{stack}: {verb}, {} resources concerned",
        prepared.changes().len()
    ));
    console.progress(&change_format::Shown::AsProgress.resources(prepared.changes()));
    if !prepared.parameters().is_empty() {
        console.progress(&change_format::Shown::AsProgress.parameters(prepared.parameters()));
    }
    if !prepared.security().is_empty() {
        console.progress(&change_format::Shown::AsProgress.security(prepared.security()));
        let question = format!("{stack} changes who may do what, or who may reach what. Go on?");
        if let Err(reason) = confirm::ask(console, &question, yes).await {
            let discarded = prepared.discard().await;
            return Err(NotDeployed::Unwanted(match discarded {
                Ok(()) => reason,
                Err(error) => format!("{reason}; the change set is still there: {error}"),
            }));
        }
    }
    let mut shown = Shown::new(console, format!("{verb} {stack}"));
    let told = prepared.execute(&mut shown).await?;
    console.at_rest();
    console.progress(&format!("{stack}: done"));
    Ok(told)
}
