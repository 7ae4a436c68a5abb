//! Blue-green verbs in an AWS account.

use std::process::ExitCode;

use bluegreen_deploy::{
    Application, AwsTarget, CommandError, Reporter, RolloutController, StackUpdater, Version, select_strategy,
};
use bluegreen_state::{Event, State};
use mesh_infra::deploy::{DeploymentInput, Environment, ErrorKind};
use mesh_infra::{Template, diagram};

use super::arguments::{Arguments, Verb};
use super::{changed_template, or_initial, print_status};
use crate::cli::aws::deploy::{NotDeployed, one};
use crate::cli::aws::{account_of, config, destroy, diff, inputs, outputs, until_stopped};
use crate::console::{Console, print, show};

/// Runs a verb in an account.
pub(super) fn run(application: &Application, arguments: Arguments) -> Result<ExitCode, String> {
    until_stopped(async |console| {
        let config = config::load(&arguments.target).await;
        let account = account_of(&config, &arguments.target, console).await?;
        let stack = CloudFormationStack {
            application,
            account,
            console,
            parameters: Vec::new(),
            yes: false,
        };
        let target = AwsTarget::new(application, config, (), console);
        run_verb(application, stack, target, arguments.verb)
            .await
            .map_err(|error| error.to_string())
    })
}

async fn run_verb(
    application: &Application,
    mut stack: CloudFormationStack<'_>,
    target: AwsTarget<'_, ()>,
    verb: Option<Verb>,
) -> super::VerbResult<ExitCode> {
    let stacks = [application.name().to_owned()];
    match verb {
        None => return Err("--aws needs a verb: deploy, diff, status, outputs or destroy".into()),
        Some(Verb::Synth) => print(&application.template(&or_initial(target.state().await?))?.to_json())?,
        Some(Verb::Diagram) => print(&diagram(&application.template(&or_initial(target.state().await?))?))?,
        Some(Verb::Diff {
            version,
            given,
            exit_code,
        }) => {
            let template = match target.state().await? {
                Some(state) => match changed_template(application, &state, version)? {
                    Ok(template) => template,
                    Err(text) => {
                        print(text)?;
                        return Ok(ExitCode::SUCCESS);
                    }
                },
                None => application.template(&State::initial(version))?,
            };
            given.is_sent()?;
            stack.parameters = inputs::parameters(&[&template], &given).await?;
            let request = stack.request(template);
            return Ok(diff::run(&stack.account, &[request], exit_code, stack.console).await?);
        }
        Some(Verb::Status) => print_status(target.state().await?.as_ref())?,
        Some(Verb::Deploy {
            version,
            strategy,
            given,
            yes,
        }) => {
            let state = target.state().await?;
            let initial = State::initial(version);
            let template = application.template(state.as_ref().unwrap_or(&initial))?;
            given.is_sent()?;
            stack.parameters = inputs::parameters(&[&template], &given).await?;
            stack.yes = yes;
            if state.is_none() {
                let outputs = one(&stack.account, &stack.request(template), yes, stack.console).await?;
                target.initialize(version).await?;
                stack.console.at_rest();
                outputs::tell(application.name(), &outputs);
            } else {
                let strategy = select_strategy(state.as_ref(), version, strategy)?;
                let event = |controller| Event::Deploy {
                    version,
                    strategy,
                    controller,
                };
                run_command(application, target.with_stack(stack), event).await?;
            }
        }
        Some(Verb::Continue) => run_command(application, target.with_stack(stack), |_| Event::Continue).await?,
        Some(Verb::Abort) => run_command(application, target.with_stack(stack), |_| Event::Abort).await?,
        Some(Verb::Rollback) => {
            let event = |controller| Event::Rollback { controller };
            run_command(application, target.with_stack(stack), event).await?;
        }
        Some(Verb::Outputs { json }) => outputs::run(&stack.account, &stacks, json).await?,
        Some(Verb::Destroy { yes }) => {
            destroy::run(&stack.account, &stacks, yes, stack.console).await?;
            target.delete_state().await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn run_command(
    application: &Application,
    target: AwsTarget<'_, CloudFormationStack<'_>>,
    event: impl FnOnce(String) -> Event<Version>,
) -> Result<(), bluegreen_deploy::Error> {
    RolloutController::new(application, target, show)
        .run_command(event)
        .await
}

/// The application's stack, with the inputs of the command line.
struct CloudFormationStack<'a> {
    application: &'a Application,
    account: Environment,
    console: &'a Console,
    /// Template parameters from the command line.
    parameters: Vec<(String, String)>,
    yes: bool,
}

impl CloudFormationStack<'_> {
    fn request(&self, template: Template) -> DeploymentInput {
        let name = self.application.name();
        inputs::request(name, name, template, &self.parameters)
    }
}

impl StackUpdater for CloudFormationStack<'_> {
    async fn update_stack(&self, template: Template) -> Result<(), CommandError> {
        let result = one(&self.account, &self.request(template), self.yes, self.console).await;
        self.console.at_rest();
        result.map(drop).map_err(|error| match error {
            NotDeployed::Unwanted(reason) => CommandError::Rejected(reason),
            NotDeployed::Environment(error) => match error.kind() {
                ErrorKind::Failed | ErrorKind::Invalid | ErrorKind::Rejected => {
                    CommandError::Rejected(error.to_string())
                }
                _ => CommandError::Retryable(error.to_string()),
            },
        })
    }

    async fn deployed_template(&self) -> Result<Template, CommandError> {
        let stack = self.application.name();
        let deployed = self.account.deployed(stack).await;
        let deployed = deployed.map_err(|error| CommandError::Retryable(error.to_string()))?;
        let deployed = deployed.ok_or_else(|| CommandError::Rejected(format!("stack `{stack}` is not deployed")))?;
        deployed
            .template()
            .map_err(|error| CommandError::Rejected(error.to_string()))
    }
}

impl Reporter for Console {
    fn report(&self, line: &str) {
        self.show(line);
    }

    fn waiting(&self, activity: &str) {
        Console::waiting(self, activity);
    }
}
