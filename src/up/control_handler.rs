//! A mesh that other programs change: what they ask for is done to the template it runs, and then to the mesh.

use std::path::PathBuf;

use bluegreen_deploy::control_api::{Command, CommandError, ControlServer, Request};
use futures_util::future::LocalBoxFuture;
use mesh_infra::Template;
use mesh_infra::cfn::{ResourceType, ssm};
use mesh_local::{LocalMesh, Plan};
use serde_json::json;

use super::{applied_text, refusals};
use crate::console::{Console, chain};

/// Says what a template asks this machine to run.
type Planner<'a> = Box<dyn Fn(&Template) -> Result<Plan, String> + 'a>;

/// By which other programs change a mesh.
pub(crate) struct ControlHandler<'a> {
    /// Where they ask.
    pub(crate) socket: PathBuf,
    /// What the mesh is.
    pub(crate) template: Template,
    pub(crate) plan: Planner<'a>,
    /// What is to be done once, when everything is running.
    pub(crate) when_running: Option<LocalBoxFuture<'a, Result<(), String>>>,
    control: Option<ControlServer>,
    /// The highest number of a request so far.
    latest: u64,
}

/// The next wish; never, if nobody may ask.
pub(super) async fn next(controlled: Option<&mut ControlHandler<'_>>) -> Request {
    match controlled.and_then(|controlled| controlled.control.as_mut()) {
        Some(control) => control.next().await,
        None => std::future::pending().await,
    }
}

impl<'a> ControlHandler<'a> {
    pub(crate) fn new(
        socket: PathBuf,
        template: Template,
        plan: impl Fn(&Template) -> Result<Plan, String> + 'a,
        when_running: impl Future<Output = Result<(), String>> + 'a,
    ) -> Self {
        Self {
            socket,
            template,
            plan: Box::new(plan),
            when_running: Some(Box::pin(when_running)),
            control: None,
            latest: 0,
        }
    }

    /// Opens the socket. Wishes wait until the mesh runs.
    pub(super) async fn open(&mut self) -> Result<(), String> {
        let control = ControlServer::open(&self.socket).await;
        self.control = Some(control.map_err(|error| format!("cannot listen at {}: {error}", self.socket.display()))?);
        Ok(())
    }

    /// Does what is to be done when everything is running.
    pub(super) async fn running(&mut self) -> Result<(), String> {
        match self.when_running.take() {
            Some(work) => work.await,
            None => Ok(()),
        }
    }

    /// Does what somebody asked for, and says what came of it.
    pub(super) async fn handle(
        &mut self,
        wish: Command,
        mesh: &mut LocalMesh,
        console: &Console,
    ) -> Result<String, CommandError> {
        match wish {
            Command::GetTemplate => Ok(self.template.to_json()),
            Command::PutTemplate { request, text } => {
                self.is_up_to_date(request)?;
                let template = Template::from_text(&text).map_err(|error| CommandError::Rejected(error.to_string()))?;
                self.apply(template, mesh, console).await
            }
            Command::PutParameter { request, name, value } => {
                self.is_up_to_date(request)?;
                let template = with_parameter(&self.template, &name, value).map_err(CommandError::Rejected)?;
                self.apply(template, mesh, console).await
            }
            Command::GetStatistics(node) => {
                let statistics = mesh.statistics(&node).await.map_err(CommandError::Retryable)?;
                serde_json::to_string(&statistics).map_err(|error| CommandError::Rejected(error.to_string()))
            }
        }
    }

    /// Who has asked for something later does not want this any more, and it may come from somebody who does not know yet
    /// that another has taken over.
    fn is_up_to_date(&mut self, request: u64) -> Result<(), CommandError> {
        if request < self.latest {
            let latest = self.latest;
            return Err(CommandError::Rejected(format!(
                "request {request} is out of date: {latest} was made already"
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
        let plan = (self.plan)(&template).map_err(CommandError::Rejected)?;
        match mesh.apply(plan).await {
            Ok(applied) => {
                self.template = template;
                console.progress(&applied_text(&applied, &refusals(mesh)));
                Ok(json!({"settled": applied.settled}).to_string())
            }
            Err(error) => {
                let reason = chain(&error);
                console.progress(&format!("a change was asked for and not made: {reason}"));
                Err(CommandError::Rejected(reason))
            }
        }
    }
}

/// The template with another value for the parameter of this name.
fn with_parameter(template: &Template, name: &str, value: String) -> Result<Template, String> {
    let mut template = template.clone();
    let mut parameters = template
        .resources
        .values_mut()
        .filter(|resource| resource.kind == ssm::Parameter::KIND);
    let parameter = parameters.find(|resource| resource.properties["Name"] == name);
    match parameter {
        Some(parameter) => parameter.properties["Value"] = value.into(),
        None => return Err(format!("there is no parameter `{name}` in the template")),
    }
    drop(parameters);
    Ok(template)
}

#[cfg(test)]
mod tests {
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
    fn a_parameter_is_changed_and_nothing_else() {
        let changed = with_parameter(&template(), NAME, "2".to_owned()).expect("there is one");
        assert_eq!(changed.resources["Route"].properties["Value"], "2");
        let back = with_parameter(&changed, NAME, "1".to_owned()).expect("there is one");
        assert_eq!(back.to_json(), template().to_json());
        let error = with_parameter(&template(), "/demo/other", String::new()).expect_err("there is none");
        assert_eq!(error, "there is no parameter `/demo/other` in the template");
    }

    #[test]
    fn what_is_out_of_date_is_refused_and_the_same_again_is_not() {
        let plan = |_: &Template| Err("no plan is asked for".to_owned());
        let mut controlled = ControlHandler::new(PathBuf::new(), template(), plan, std::future::ready(Ok(())));
        for request in [3, 3, 7] {
            assert_eq!(controlled.is_up_to_date(request), Ok(()));
        }
        let expected = CommandError::Rejected("request 6 is out of date: 7 was made already".to_owned());
        assert_eq!(controlled.is_up_to_date(6), Err(expected));
    }
}
