//! What a container image means on this machine: programs to start instead of layers to unpack.

use std::collections::BTreeMap;
use std::ffi::OsString;

use mesh_infra::EcrImage;

/// The images that can be run here, by name.
#[derive(Debug, Clone, Default)]
pub struct Images {
    known: BTreeMap<String, Image>,
    stub: Option<Stub>,
}

/// What runs in place of images that nobody knows.
#[derive(Debug, Clone)]
pub(crate) struct Stub {
    pub(crate) image: Image,
    /// The environment variable that tells it on which port to listen.
    pub(crate) port_variable: String,
}

/// What stands in for a container image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    entry_point: Vec<OsString>,
    programs: BTreeMap<String, Vec<OsString>>,
    bind_variable: Option<String>,
}

impl Image {
    /// An image whose entry point is this command: a program and its first arguments.
    pub fn new(entry_point: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self {
            entry_point: entry_point.into_iter().map(Into::into).collect(),
            programs: BTreeMap::new(),
            bind_variable: None,
        }
    }

    /// Says which environment variable tells it the IP address to listen at: as in a container, `0.0.0.0` where a task
    /// has a network of its own, which it should then be called at; `127.0.0.1` elsewhere. A task definition may set it
    /// otherwise. Default: none, and it listens where it likes.
    #[must_use]
    pub fn with_bind_variable(mut self, name: impl Into<String>) -> Self {
        self.bind_variable = Some(name.into());
        self
    }

    /// The environment variable that tells it where to listen.
    pub(crate) fn bind_variable(&self) -> Option<&str> {
        self.bind_variable.as_deref()
    }

    /// Adds a program that the image holds: whoever starts `name` inside the container, a health check for
    /// instance, starts `command` here.
    #[must_use]
    pub fn with_program(mut self, name: &str, command: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.programs
            .insert(name.to_owned(), command.into_iter().map(Into::into).collect());
        self
    }

    /// The command line of a container: the image's entry point unless the task definition replaces it, then
    /// the task definition's command. As Docker does it.
    pub(crate) fn command_line(&self, entry_point: &[String], command: &[String]) -> Vec<OsString> {
        let mut line = match entry_point {
            [] => self.entry_point.clone(),
            given => self.program(given),
        };
        line.extend(command.iter().map(OsString::from));
        line
    }

    /// Whether it is known to hold a program of this name.
    pub(crate) fn holds(&self, program: &str) -> bool {
        self.programs.contains_key(program)
    }

    /// A command that is run inside the container.
    pub(crate) fn program(&self, command: &[String]) -> Vec<OsString> {
        let Some((name, arguments)) = command.split_first() else {
            return Vec::new();
        };
        let mut line = self
            .programs
            .get(name)
            .cloned()
            .unwrap_or_else(|| vec![OsString::from(name)]);
        line.extend(arguments.iter().map(OsString::from));
        line
    }
}

impl Images {
    /// Adds an image. The name is as in task definitions; without a tag or digest it stands for all of them.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, image: Image) -> Self {
        self.known.insert(name.into(), image);
        self
    }

    /// ContainerSource `image` in place of every image that is not known otherwise. Default: such an image is a problem.
    ///
    /// A container that it runs learns from the environment variable `port_variable` on which port to listen: the first
    /// of its port mappings. Calls to its other ports come there as well. Its `SERVICE_NAME` is the name of the ECS
    /// service, unless the task definition sets it. The command, the entry point and the port labels of the task
    /// definition are for the image that is not there, and are left out; so is a health check, unless it runs a program
    /// that `image` holds (see [`Image::with_program`]): the container is well when its port is open. A container
    /// without port mappings, or with none but UDP's, has nothing to answer for, and is not started. All that is left
    /// out is listed as not simulated.
    #[must_use]
    pub fn with_stub(mut self, image: Image, port_variable: impl Into<String>) -> Self {
        self.stub = Some(Stub {
            image,
            port_variable: port_variable.into(),
        });
        self
    }

    /// The image of this name, or of this name without its tag or digest. One in a private registry of Amazon ECR is known
    /// by the name of its repository as well: which account's registry it is does not matter here.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Image> {
        self.known
            .get(name)
            .or_else(|| self.known.get(without_tag(name)))
            .or_else(|| self.known.get(EcrImage::repository_of(name)?))
    }

    /// What runs in place of images that are not known.
    pub(crate) fn stub(&self) -> Option<&Stub> {
        self.stub.as_ref()
    }

    /// The names of the images that can be run here.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.known.keys().map(String::as_str)
    }
}

/// Whether this is the image of an Envoy made for App Mesh. Source: App Mesh user guide, "Envoy image" (read 2026-11-23).
pub(crate) fn is_app_mesh_envoy(name: &str) -> bool {
    without_tag(name).contains("aws-appmesh-envoy")
}

/// Whether this is an Envoy's image: Envoy's own, or one under a name like it, such as the parameter
/// `/aws/service/appmesh/envoy` whose value AWS's examples take.
pub(crate) fn is_envoy(name: &str) -> bool {
    let repository = without_tag(name);
    is_app_mesh_envoy(name) || repository == "envoy" || repository.ends_with("/envoy")
}

fn without_tag(name: &str) -> &str {
    let name = name.split('@').next().unwrap_or(name);
    match name.rsplit_once(':') {
        // A colon before the last slash belongs to a registry's port.
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_tag_stands_for_all_tags() {
        let images = Images::default().with("team/app", Image::new(["app"]));
        for name in ["team/app", "team/app:1", "team/app@sha256:0"] {
            assert!(images.get(name).is_some(), "{name}");
        }
        let own = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app:1";
        assert!(images.get(own).is_some());
        assert!(images.get("registry:5000/team/app").is_none());
        assert_eq!(without_tag("registry:5000/app"), "registry:5000/app");
    }

    #[test]
    fn envoys_are_known_by_their_repositories() {
        for name in [
            "public.ecr.aws/appmesh/aws-appmesh-envoy:v1.34.13.3-prod",
            "840364872350.dkr.ecr.eu-west-1.amazonaws.com/aws-appmesh-envoy@sha256:0",
            "envoyproxy/envoy:v1.40.0",
            "registry:5000/team/envoy",
            "/aws/service/appmesh/envoy",
        ] {
            assert!(is_envoy(name), "{name}");
        }
        for name in ["team/envoy-dashboard", "envoyproxy/ratelimit", "team/app:envoy"] {
            assert!(!is_envoy(name), "{name}");
        }
        assert!(!is_app_mesh_envoy("envoyproxy/envoy"));
    }

    #[test]
    fn command_lines_are_put_together_as_docker_does() {
        let image = Image::new(["/bin/app", "serve"]).with_program("probe", ["/bin/app", "probe"]);
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
        assert_eq!(image.command_line(&[], &words(&["-v"])), ["/bin/app", "serve", "-v"]);
        assert_eq!(image.command_line(&words(&["probe"]), &[]), ["/bin/app", "probe"]);
        assert_eq!(image.program(&words(&["true", "x"])), ["true", "x"]);
    }
}
