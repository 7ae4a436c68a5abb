//! What a container image means on this machine: programs to start instead of layers to unpack.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// The images that can be run here, by name.
#[derive(Debug, Clone, Default)]
pub struct Images(BTreeMap<String, Image>);

/// What stands in for a container image.
#[derive(Debug, Clone)]
pub struct Image {
    entry_point: Vec<OsString>,
    programs: BTreeMap<String, Vec<OsString>>,
}

impl Image {
    /// An image whose entry point is this command: a program and its first arguments.
    pub fn new(entry_point: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self {
            entry_point: entry_point.into_iter().map(Into::into).collect(),
            programs: BTreeMap::new(),
        }
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
        self.0.insert(name.into(), image);
        self
    }

    /// The image of this name, or of this name without its tag or digest.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Image> {
        self.0.get(name).or_else(|| self.0.get(without_tag(name)))
    }

    /// The names of the images that can be run here.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
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
        assert!(images.get("registry:5000/team/app").is_none());
        assert_eq!(without_tag("registry:5000/app"), "registry:5000/app");
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
