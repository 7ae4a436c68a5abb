//! Names of Envoys that a rollout does not wait for (`--ignore`). Pure.

use bluegreen_state::State;
use cfn::ssm;
use mesh_model::app_mesh::{Kind, ResourcePath};

use crate::Version;
use crate::application::Application;
use crate::error::Error;

/// What Envoys send as the names of their tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskNames {
    /// Nothing: on ECS, the bootstrap is part of the task definition.
    Unknown,
    /// Service and number, such as `green/1`: a mesh on this machine.
    Numbered,
}

impl TaskNames {
    /// Whether a task can have this name.
    fn include(self, name: &str) -> bool {
        let is_numbered = |(service, number): (&str, &str)| !service.is_empty() && number.parse::<u32>().is_ok();
        self == Self::Numbered && name.split_once('/').is_some_and(is_numbered)
    }
}

/// Checks the names of Envoys to ignore: a name that no Envoy can have would have no effect, without a word. Whether a task
/// exists is not checked; it may have ended since.
///
/// # Errors
///
/// [`Error::UnknownEnvoy`] with the node ids of the mesh, and errors of the description.
pub fn check_ignored(
    application: &Application,
    state: &State<Version>,
    ignored: &[String],
    tasks: TaskNames,
) -> Result<(), Error> {
    if ignored.is_empty() {
        return Ok(());
    }
    let template = application.template(state)?;
    let parameters = template.resources_of::<ssm::Parameter>();
    let names = parameters.filter_map(|(_, parameter)| Some(parameter.ok()?.name?.known()?.clone()));
    let paths = names.filter_map(|name| ResourcePath::from_parameter(&name));
    let nodes = paths.filter(|path| matches!(path.kind, Kind::VirtualNode | Kind::VirtualGateway));
    let known: Vec<String> = nodes.map(|node| node.to_string()).collect();
    match ignored
        .iter()
        .find(|name| !known.contains(name) && !tasks.include(name))
    {
        Some(unknown) => Err(Error::UnknownEnvoy {
            name: unknown.clone(),
            known,
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tasks_have_a_number() {
        assert!(TaskNames::Numbered.include("green/1") && TaskNames::Numbered.include("my-app/12"));
        for other in ["", "green", "/1", "green/", "mesh/shop/virtualNode/grene"] {
            assert!(!TaskNames::Numbered.include(other), "{other}");
        }
        assert!(!TaskNames::Unknown.include("green/1"));
    }
}
