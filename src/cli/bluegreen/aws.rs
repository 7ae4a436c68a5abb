//! Blue-green verbs in an AWS account.

use bluegreen_deploy::{
    Application, AwsTarget, CommandError, Reporter, RolloutController, StackUpdater, Version, select_strategy,
};
use bluegreen_state::{Event, State};
use mesh_infra::deploy::{DeploymentInput, Environment, ErrorKind};
use mesh_infra::{Template, diagram};

use super::arguments::{Arguments, Verb};
use super::{changed_template, or_initial, print_status};
use crate::cli::aws::deploy::deploy_stack;
use crate::cli::aws::{AwsError, config, destroy, diff, environment_of, inputs, outputs, run_interruptibly};
use crate::cli::error::CliError;
use crate::console::{Console, chain, print, show};
use crate::exit_code::Exit;

/// Runs a verb in an account.
pub(super) fn run(application: &Application, arguments: Arguments) -> Result<Exit, CliError> {
    run_interruptibly(async |console| {
        let config = config::load(&arguments.target).await;
        let environment = environment_of(&config, &arguments.target, console).await?;
        let stack = CloudFormationStack {
            application,
            environment,
            console,
            parameters: Vec::new(),
            yes: false,
        };
        let target = AwsTarget::new(application, config, (), console);
        run_verb(application, stack, target, arguments.verb).await
    })
}

async fn run_verb(
    application: &Application,
    mut stack: CloudFormationStack<'_>,
    target: AwsTarget<'_, ()>,
    verb: Option<Verb>,
) -> Result<Exit, CliError> {
    let stacks = [application.name().to_owned()];
    match verb {
        None => {
            return Err(CliError::Usage(
                "--aws requires a command: deploy, diff, status, outputs or destroy".to_owned(),
            ));
        }
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
                        return Ok(Exit::Done);
                    }
                },
                None => application.template(&State::initial(version))?,
            };
            given.without_template_url()?;
            stack.parameters = inputs::parameters(&[&template], &given).await?;
            let input = stack.input(template);
            return Ok(diff::run(&stack.environment, &[input], exit_code, stack.console).await?);
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
            given.without_template_url()?;
            stack.parameters = inputs::parameters(&[&template], &given).await?;
            stack.yes = yes;
            if state.is_none() {
                let outputs = deploy_stack(&stack.environment, &stack.input(template), yes, stack.console).await?;
                target.initialize(version).await?;
                stack.console.clear_status();
                outputs::show_stack(application.name(), &outputs);
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
        Some(Verb::Outputs { json }) => outputs::run(&stack.environment, &stacks, json).await?,
        Some(Verb::Destroy { yes }) => {
            destroy::run(&stack.environment, &stacks, yes, stack.console).await?;
            target.delete_state().await?;
        }
    }
    Ok(Exit::Done)
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
    environment: Environment,
    console: &'a Console,
    /// Template parameters from the command line.
    parameters: Vec<(String, String)>,
    yes: bool,
}

impl CloudFormationStack<'_> {
    fn input(&self, template: Template) -> DeploymentInput {
        let name = self.application.name();
        inputs::for_stack(name, name, template, &self.parameters)
    }
}

impl StackUpdater for CloudFormationStack<'_> {
    async fn update_stack(&self, template: Template) -> Result<(), CommandError> {
        let result = deploy_stack(&self.environment, &self.input(template), self.yes, self.console).await;
        self.console.clear_status();
        result.map(drop).map_err(|error| match error {
            AwsError::Deploy(error)
                if !matches!(
                    error.kind(),
                    ErrorKind::Failed | ErrorKind::Invalid | ErrorKind::Rejected
                ) =>
            {
                CommandError::Retryable(error.to_string())
            }
            error => CommandError::Rejected(chain(&error)),
        })
    }

    async fn deployed_template(&self) -> Result<Template, CommandError> {
        let stack = self.application.name();
        let deployed = self.environment.deployed(stack).await;
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
        self.set_status(activity);
    }
}
