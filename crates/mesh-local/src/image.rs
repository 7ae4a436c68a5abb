//! Container images, mapped to local programs.

use std::collections::BTreeMap;
use std::ffi::OsString;

use mesh_infra::EcrImage;

/// The known images, by name.
#[derive(Debug, Clone, Default)]
pub struct Images {
    known: BTreeMap<String, Image>,
    stub: Option<Stub>,
}

/// Replaces unknown images.
#[derive(Debug, Clone)]
pub(crate) struct Stub {
    pub(crate) image: Image,
    /// The environment variable with its listening port.
    pub(crate) port_variable: String,
}

/// Local programs that replace a container image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    entry_point: Vec<OsString>,
    programs: BTreeMap<String, Vec<OsString>>,
    bind_variable: Option<String>,
}

impl Image {
    /// An image with this entry point: a program and its first arguments.
    pub fn new(entry_point: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self {
            entry_point: entry_point.into_iter().map(Into::into).collect(),
            programs: BTreeMap::new(),
            bind_variable: None,
        }
    }

    /// Sets the environment variable with the bind address: as in a container, `0.0.0.0` in a network namespace, and
    /// `127.0.0.1` otherwise. A task definition may override it. Default: none, and the program decides.
    #[must_use]
    pub fn with_bind_variable(mut self, name: impl Into<String>) -> Self {
        self.bind_variable = Some(name.into());
        self
    }

    /// The environment variable with the bind address.
    pub(crate) fn bind_variable(&self) -> Option<&str> {
        self.bind_variable.as_deref()
    }

    /// Adds a program of the image: `command` replaces `name` in commands that run inside the container, such as health
    /// checks.
    #[must_use]
    pub fn with_program(mut self, name: &str, command: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.programs
            .insert(name.to_owned(), command.into_iter().map(Into::into).collect());
        self
    }

    /// The command line of a container, as Docker assembles it: the task definition's entry point, or else the image's,
    /// then the task definition's command.
    pub(crate) fn command_line(&self, entry_point: &[String], command: &[String]) -> Vec<OsString> {
        let mut line = match entry_point {
            [] => self.entry_point.clone(),
            given => self.program(given),
        };
        line.extend(command.iter().map(OsString::from));
        line
    }

    /// Whether the image has a program of this name.
    pub(crate) fn has_program(&self, program: &str) -> bool {
        self.programs.contains_key(program)
    }

    /// The local command line of a command inside the container.
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
    /// Adds an image. The name is as in task definitions; without a tag or digest it matches all of them.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, image: Image) -> Self {
        self.known.insert(name.into(), image);
        self
    }

    /// Replaces every unknown image with `image`. Default: an unknown image is an error.
    ///
    /// The environment variable `port_variable` of a stub container contains its listening port, the first of its port
    /// mappings, which also receives calls to its other ports. `SERVICE_NAME` is the name of the ECS service, unless
    /// the task definition sets it. The task definition's command, entry point and port labels are meant for the
    /// unknown image, and are ignored. So is its health check, unless it runs a program of `image` (see
    /// [`Image::with_program`]); the container is then ready when its port is open. A container without TCP port
    /// mappings is not started. Everything ignored is listed as not simulated.
    #[must_use]
    pub fn with_stub(mut self, image: Image, port_variable: impl Into<String>) -> Self {
        self.stub = Some(Stub {
            image,
            port_variable: port_variable.into(),
        });
        self
    }

    /// The image of this name, with or without its tag or digest. An image in a private Amazon ECR registry also
    /// matches its repository name, in any account, with its tag (the AWS CDK's images differ in nothing else) or without.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Image> {
        let in_repository = || {
            let repository = EcrImage::repository_of(name)?;
            let (_registry, with_tag) = name.split_once('/')?;
            self.known.get(with_tag).or_else(|| self.known.get(repository))
        };
        self.known
            .get(name)
            .or_else(|| self.known.get(without_tag(name)))
            .or_else(in_repository)
    }

    /// The stub for unknown images.
    pub(crate) fn stub(&self) -> Option<&Stub> {
        self.stub.as_ref()
    }

    /// The names of all known images.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.known.keys().map(String::as_str)
    }
}

/// Whether this is an App Mesh Envoy image. Source: App Mesh user guide, "Envoy image" (read 2026-11-23).
pub(crate) fn is_app_mesh_envoy(name: &str) -> bool {
    without_tag(name).contains("aws-appmesh-envoy")
}

/// Whether this is an Envoy image: the official one, or one with a similar name, such as the parameter
/// `/aws/service/appmesh/envoy` in AWS's examples.
pub(crate) fn is_envoy(name: &str) -> bool {
    let repository = without_tag(name);
    is_app_mesh_envoy(name) || repository == "envoy" || repository.ends_with("/envoy")
}

fn without_tag(name: &str) -> &str {
    let name = name.split('@').next().unwrap_or(name);
    match name.rsplit_once(':') {
        // A colon before the last slash belongs to the registry's port.
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_tag_matches_all_tags() {
        let images = Images::default().with("team/app", Image::new(["app"]));
        for name in ["team/app", "team/app:1", "team/app@sha256:0"] {
            assert!(images.get(name).is_some(), "{name}");
        }
        let own = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app:1";
        assert!(images.get(own).is_some());
        let by_tag = images.with("team/app:2", Image::new(["two"]));
        let two = by_tag.get("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app:2");
        assert_eq!(two, Some(&Image::new(["two"])));
        assert_eq!(by_tag.get(own), Some(&Image::new(["app"])));
        assert!(by_tag.get("registry:5000/team/app").is_none());
        assert_eq!(without_tag("registry:5000/app"), "registry:5000/app");
    }

    #[test]
    fn envoy_images_are_recognized_by_their_repository() {
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
    fn command_lines_are_assembled_as_by_docker() {
        let image = Image::new(["/bin/app", "serve"]).with_program("probe", ["/bin/app", "probe"]);
        let args = |args: &[&str]| args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<String>>();
        assert_eq!(image.command_line(&[], &args(&["-v"])), ["/bin/app", "serve", "-v"]);
        assert_eq!(image.command_line(&args(&["probe"]), &[]), ["/bin/app", "probe"]);
        assert_eq!(image.program(&args(&["true", "x"])), ["true", "x"]);
    }
}
