//! Applies commands from the control socket: to the template first, then to the mesh.

use std::path::PathBuf;

use bluegreen_deploy::control_api::{self, Command, CommandError, ControlServer, Request};
use futures_util::future::LocalBoxFuture;
use mesh_infra::cfn::{ResourceType, ssm};
use mesh_infra::{Template, refresh_revision_markers};
use mesh_local::{LocalMesh, Plan};

use super::{BoxError, UpError, applied_text};
use crate::console::{Console, chain};

/// Makes the plan of a template.
type Planner<'a> = Box<dyn Fn(&Template) -> Result<Plan, BoxError> + 'a>;

/// The control socket of a mesh, and the template that the mesh runs.
pub(crate) struct ControlHandler<'a> {
    socket: PathBuf,
    template: Template,
    plan: Planner<'a>,
    /// Runs once, when all tasks are running.
    when_running: Option<LocalBoxFuture<'a, Result<(), BoxError>>>,
    server: Option<ControlServer>,
    /// The highest request number so far.
    latest: u64,
}

/// There is no such parameter.
#[derive(Debug, thiserror::Error)]
#[error("the template has no parameter `{0}`")]
struct UnknownParameter(String);

/// The next request; pending forever without a control socket.
pub(super) async fn next(handler: Option<&mut ControlHandler<'_>>) -> Request {
    match handler.and_then(|handler| handler.server.as_mut()) {
        Some(server) => server.next().await,
        None => std::future::pending().await,
    }
}

impl<'a> ControlHandler<'a> {
    /// A handler at `socket` for a mesh that runs `template`.
    pub(crate) fn new(
        socket: PathBuf,
        template: Template,
        plan: impl Fn(&Template) -> Result<Plan, BoxError> + 'a,
        when_running: impl Future<Output = Result<(), BoxError>> + 'a,
    ) -> Self {
        Self {
            socket,
            template,
            plan: Box::new(plan),
            when_running: Some(Box::pin(when_running)),
            server: None,
            latest: 0,
        }
    }

    /// Opens the socket. Requests wait until the mesh is running.
    pub(super) async fn open(&mut self) -> Result<(), UpError> {
        let server = ControlServer::open(&self.socket).await;
        self.server = Some(server.map_err(|source| UpError::ControlSocket {
            socket: self.socket.clone(),
            source,
        })?);
        Ok(())
    }

    /// Runs the work that waits for all tasks.
    pub(super) async fn when_running(&mut self) -> Result<(), BoxError> {
        match self.when_running.take() {
            Some(work) => work.await,
            None => Ok(()),
        }
    }

    /// Applies a command and returns the body of its response.
    pub(super) async fn handle(
        &mut self,
        command: Command,
        mesh: &mut LocalMesh,
        console: &Console,
    ) -> Result<String, CommandError> {
        match command {
            Command::GetTemplate => Ok(self.template.to_json()),
            Command::PutTemplate { request, text } => {
                self.check_request_number(request)?;
                let template = Template::from_text(&text).map_err(|error| rejected(&error))?;
                self.apply(template, mesh, console).await
            }
            Command::PutParameter { request, name, value } => {
                self.check_request_number(request)?;
                let template = with_parameter(&self.template, &name, value).map_err(|error| rejected(&error))?;
                self.apply(template, mesh, console).await
            }
            Command::GetStatistics(node) => {
                let statistics = mesh.statistics(&node).await;
                let statistics = statistics.map_err(|error| CommandError::Retryable(chain(&error)))?;
                serde_json::to_string(&statistics).map_err(|error| rejected(&error))
            }
        }
    }

    /// Rejects a request with a lower number than an earlier one: its client may have been replaced by another.
    fn check_request_number(&mut self, request: u64) -> Result<(), CommandError> {
        if request < self.latest {
            let latest = self.latest;
            return Err(CommandError::Rejected(format!(
                "request {request} is out of date: request {latest} was applied already"
            )));
        }
        self.latest = request;
        Ok(())
    }

    async fn apply(
        &mut self,
        template: Template,
        mesh: &mut LocalMesh,
        console: &Console,
    ) -> Result<String, CommandError> {
        let plan = (self.plan)(&template).map_err(|error| CommandError::Rejected(chain(&*error)))?;
        match mesh.apply(plan).await {
            Ok(applied) => {
                self.template = template;
                console.progress(&applied_text(&applied, mesh).await);
                let response = control_api::Applied {
                    settled: applied.settled,
                    unsettled: applied.unsettled,
                };
                serde_json::to_string(&response).map_err(|error| rejected(&error))
            }
            Err(error) => {
                let error = rejected(&error);
                if let CommandError::Rejected(reason) = &error {
                    console.progress(&format!("requested change not applied: {reason}"));
                }
                Err(error)
            }
        }
    }
}

fn rejected(error: &dyn std::error::Error) -> CommandError {
    CommandError::Rejected(chain(error))
}

/// The template with another value for the parameter of this name, and revision markers for it.
fn with_parameter(template: &Template, name: &str, value: String) -> Result<Template, UnknownParameter> {
    let mut template = template.clone();
    let mut parameters = template
        .resources
        .values_mut()
        .filter(|resource| resource.kind == ssm::Parameter::KIND);
    let parameter = parameters.find(|resource| resource.properties["Name"] == name);
    match parameter {
        Some(parameter) => parameter.properties["Value"] = value.into(),
        None => return Err(UnknownParameter(name.to_owned())),
    }
    drop(parameters);
    refresh_revision_markers(&mut template);
    Ok(template)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NAME: &str = "/demo/route";

    fn template() -> Template {
        let text = json!({"Resources": {
            "Other": {"Type": "AWS::ECS::Cluster", "Properties": {}},
            "Route": {"Type": "AWS::SSM::Parameter", "Properties": {"Name": NAME, "Type": "String", "Value": "1"}},
        }});
        Template::from_text(&text.to_string()).expect("a template")
    }

    #[test]
    fn with_parameter_changes_nothing_else() {
        let changed = with_parameter(&template(), NAME, "2".to_owned()).expect("there is one");
        assert_eq!(changed.resources["Route"].properties["Value"], "2");
        let back = with_parameter(&changed, NAME, "1".to_owned()).expect("there is one");
        assert_eq!(back.to_json(), template().to_json());
        let error = with_parameter(&template(), "/demo/other", String::new()).expect_err("there is none");
        assert_eq!(error.to_string(), "the template has no parameter `/demo/other`");
    }

    #[test]
    fn outdated_requests_are_rejected_and_repeated_ones_are_not() {
        let plan = |_: &Template| Err("no plan is needed".into());
        let mut handler = ControlHandler::new(PathBuf::new(), template(), plan, std::future::ready(Ok(())));
        for request in [3, 3, 7] {
            assert_eq!(handler.check_request_number(request), Ok(()));
        }
        let expected = CommandError::Rejected("request 6 is out of date: request 7 was applied already".to_owned());
        assert_eq!(handler.check_request_number(6), Err(expected));
    }
}
