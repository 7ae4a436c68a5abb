//! An app that runs in an AWS account: its stack is changed by CloudFormation, and Envoys' answers are read from what the
//! copies of its control plane publish.
//!
//! Two parameters of Parameter Store hold its state. The one in the template says which side carries which version, in the
//! three words of old; CloudFormation restores it with everything else if a deployment fails. How far a rollout is stands
//! in [`ROLLOUTS`] beside the stack, as it changes while CloudFormation works.

mod instances;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_ssm::Client;
use aws_sdk_ssm::operation::delete_parameter::DeleteParameterError;
use bluegreen_state::{Deployment, Event, SsmStore, State};
use mesh_control_aws::{SyncReader, SyncStatus};
use mesh_infra::cfn::ssm;
use mesh_infra::deploy::{Environment, ErrorKind};
use mesh_infra::{Template, diagram};
use mesh_local::NodeStatistics;
use mesh_model::app_mesh::ResourcePath;

use super::arguments::{Arguments, Verb};
use super::driver::Driver;
use super::ground::Ground;
use super::{BlueGreen, Version, answers, first};
use crate::cli::aws::deploy::{NotDeployed, one};
use crate::cli::aws::{account_of, config, destroy, diff, inputs, outputs, until_stopped};
use crate::console::{Console, print, show};
use crate::control_api::CommandError;
use crate::control_api::client::Applied;

/// Where rollouts are kept, by the app's name.
const ROLLOUTS: &str = "/meshwright-rollout";

/// How long Envoys may take to answer until it is said that they have not. A copy of the control plane reads its
/// parameters every few seconds, and publishes what Envoys said as often.
const ANSWERS_WITHIN: Duration = Duration::from_secs(60);
/// Between two looks at what copies publish.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// Does what a verb says, in an account.
pub(super) fn perform(app: &BlueGreen, arguments: Arguments) -> Result<ExitCode, String> {
    until_stopped(async |console| {
        let config = config::load(&arguments.target).await;
        let account = account_of(&config, &arguments.target, console).await?;
        let there = There {
            app,
            account,
            config,
            console,
            parameters: Vec::new(),
            yes: false,
        };
        there.perform(arguments.verb).await
    })
}

/// An account, and what is to be told of an app's stack in it.
struct There<'a> {
    app: &'a BlueGreen,
    account: Environment,
    config: SdkConfig,
    console: &'a Console,
    /// What the command line gives to the template.
    parameters: Vec<(String, String)>,
    yes: bool,
}

impl There<'_> {
    async fn perform(mut self, verb: Option<Verb>) -> Result<ExitCode, String> {
        match verb {
            None => {
                return Err("say what is to be done in the account: deploy, diff, status, outputs, destroy".to_owned());
            }
            Some(Verb::Synth) => print(&self.app.template(&self.state_or_first().await?)?.to_json())?,
            Some(Verb::Diagram) => print(&diagram(&self.app.template(&self.state_or_first().await?)?))?,
            Some(Verb::Diff {
                version,
                given,
                exit_code,
            }) => {
                let state = self.state().await?;
                let template = match &state {
                    Some(state) => match self.app.with_version(state, version)? {
                        Ok(template) => template,
                        Err(words) => {
                            print(&words)?;
                            return Ok(ExitCode::SUCCESS);
                        }
                    },
                    None => self.app.template(&State::initial(version))?,
                };
                given.is_sent()?;
                self.parameters = inputs::parameters(&[&template], &given).await?;
                let request = self.request(template);
                return diff::run(&self.account, &[request], exit_code, self.console).await;
            }
            Some(Verb::Status) => self.app.say_status(self.state().await?)?,
            Some(Verb::Deploy {
                version,
                strategy,
                given,
                yes,
            }) => {
                let state = self.state().await?;
                let template = self
                    .app
                    .template(&state.clone().unwrap_or_else(|| State::initial(version)))?;
                given.is_sent()?;
                self.parameters = inputs::parameters(&[&template], &given).await?;
                self.yes = yes;
                if state.is_none() {
                    self.create(version, template).await?;
                } else {
                    let strategy = answers::strategy(state.as_ref(), version, strategy)?;
                    self.drive(|driver| Event::Deploy {
                        version,
                        strategy,
                        controller: driver,
                    })
                    .await?;
                }
            }
            Some(Verb::Continue) => self.drive(|_| Event::Continue).await?,
            Some(Verb::Abort) => self.drive(|_| Event::Abort).await?,
            Some(Verb::Rollback) => self.drive(|driver| Event::Rollback { controller: driver }).await?,
            Some(Verb::Outputs { json }) => outputs::run(&self.account, &[self.app.name.clone()], json).await?,
            Some(Verb::Destroy { yes }) => {
                destroy::run(&self.account, &[self.app.name.clone()], yes, self.console).await?;
                self.forget().await?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn drive(self, event: impl FnOnce(String) -> Event<Version>) -> Result<(), String> {
        let app = self.app;
        Driver::new(app, self).take(event, show).await
    }

    /// Creates the stack, with one version on both sides.
    async fn create(&self, version: Version, template: Template) -> Result<(), String> {
        let told = one(&self.account, &self.request(template), self.yes, self.console).await;
        let told = told.map_err(|error| error.to_string())?;
        let begun = Deployment::create(self.store(), version).await;
        begun.map_err(|error| error.to_string())?;
        self.console.at_rest();
        outputs::tell(&self.app.name, &told);
        Ok(())
    }

    /// Removes what is known of rollouts.
    async fn forget(&self) -> Result<(), String> {
        let name = self.rollout();
        let deleted = Client::new(&self.config).delete_parameter().name(&name).send().await;
        match deleted {
            Err(error)
                if !error
                    .as_service_error()
                    .is_some_and(DeleteParameterError::is_parameter_not_found) =>
            {
                Err(format!(
                    "the stack is gone, and what was known of its rollouts is still there, parameter `{name}`: {}",
                    crate::console::chain(&error)
                ))
            }
            _ => Ok(()),
        }
    }

    async fn state(&self) -> Result<Option<State<Version>>, String> {
        Ok(self.open().await?.map(|deployment| deployment.state().clone()))
    }

    async fn state_or_first(&self) -> Result<State<Version>, String> {
        Ok(self.state().await?.unwrap_or_else(first))
    }

    fn store(&self) -> SsmStore {
        let owner = format!("process {}", std::process::id());
        SsmStore::new(Client::new(&self.config), self.rollout()).with_owner(owner)
    }

    fn rollout(&self) -> String {
        format!("{ROLLOUTS}/{}", self.app.name)
    }

    fn request(&self, template: Template) -> mesh_infra::deploy::DeploymentInput {
        inputs::request(&self.app.name, &self.app.name, template, &self.parameters)
    }

    /// Deploys a template, as the driver is told of it.
    async fn deploy(&self, template: Template) -> Result<(), CommandError> {
        let deployed = one(&self.account, &self.request(template), self.yes, self.console).await;
        self.console.at_rest();
        deployed.map(drop).map_err(|error| match error {
            NotDeployed::Unwanted(reason) => CommandError::Rejected(reason),
            NotDeployed::Environment(error) => match error.kind() {
                ErrorKind::Failed | ErrorKind::Invalid | ErrorKind::Rejected => {
                    CommandError::Rejected(error.to_string())
                }
                _ => CommandError::Retryable(error.to_string()),
            },
        })
    }

    /// Waits until every Envoy has what the mesh's parameters say.
    async fn acknowledged(&self) -> Result<Applied, CommandError> {
        let acknowledgements = SyncReader::new(&self.config, &self.app.route.mesh);
        let began = Instant::now();
        self.console.waiting("waiting for Envoys to take up the weights");
        loop {
            let read = acknowledgements.read().await;
            match read.map_err(|failure| CommandError::Retryable(failure.to_string()))? {
                SyncStatus::Synced { .. } => return Ok(Applied { settled: true }),
                SyncStatus::Rejected { rejections: refused } => {
                    return Err(CommandError::Retryable(format!(
                        "Envoys refused: {}",
                        refused.join("; ")
                    )));
                }
                SyncStatus::Pending { reason } if began.elapsed() >= ANSWERS_WITHIN => {
                    return Err(CommandError::Retryable(reason));
                }
                SyncStatus::NoReports if began.elapsed() >= ANSWERS_WITHIN => {
                    return Err(CommandError::Retryable(
                        "no copy of the control plane says what Envoys have; look at its logs".to_owned(),
                    ));
                }
                SyncStatus::Pending { .. } | SyncStatus::NoReports => tokio::time::sleep(BETWEEN_LOOKS).await,
            }
        }
    }

    /// The deployed template with another value of a parameter, and the value before.
    async fn with_value(&self, name: &str, value: String) -> Result<(Template, String), CommandError> {
        let stack = &self.app.name;
        let deployed = self.account.deployed(stack).await;
        let deployed = deployed.map_err(|error| CommandError::Retryable(error.to_string()))?;
        let deployed = deployed.ok_or_else(|| CommandError::Rejected(format!("stack `{stack}` is not deployed")))?;
        let mut template = deployed
            .template()
            .map_err(|error| CommandError::Rejected(error.to_string()))?;
        let id = template
            .resources_of::<ssm::Parameter>()
            .find(|(_, parameter)| {
                let own = parameter
                    .as_ref()
                    .ok()
                    .and_then(|parameter| parameter.name.as_ref()?.known());
                own.is_some_and(|own| own == name)
            })
            .map(|(id, _)| id.to_owned());
        let resource = id.and_then(|id| template.resources.get_mut(&id));
        let resource =
            resource.ok_or_else(|| CommandError::Rejected(format!("stack `{stack}` has no parameter `{name}`")))?;
        let before = resource.properties["Value"].as_str().unwrap_or_default().to_owned();
        resource.properties["Value"] = value.into();
        Ok((template, before))
    }
}

impl Ground for There<'_> {
    type Store = SsmStore;

    async fn open(&self) -> Result<Option<Deployment<Version, SsmStore>>, String> {
        Deployment::open(self.store()).await.map_err(|error| error.to_string())
    }

    /// CloudFormation does one thing at a time, and the driver looks every second whether it is still the one: that keeps
    /// requests in order here.
    async fn put_template(&self, _request: u64, template: &Template) -> Result<Applied, CommandError> {
        self.deploy(template.clone()).await?;
        Ok(Applied { settled: true })
    }

    /// The parameter is the route.
    async fn put_parameter(&self, _request: u64, name: &str, value: String) -> Result<Applied, CommandError> {
        let (_, before) = self.with_value(name, value.clone()).await?;
        let gaining = instances::gaining(&before, &value).map_err(CommandError::Rejected)?;
        self.can_be_called(&gaining).await?;
        // The stack may have changed meanwhile.
        let (template, _) = self.with_value(name, value).await?;
        self.deploy(template).await?;
        self.acknowledged().await
    }

    async fn statistics(&self, _node: &ResourcePath) -> Result<NodeStatistics, CommandError> {
        Err(CommandError::Retryable(
            "what Envoys count is not known outside of their network".to_owned(),
        ))
    }
}
