//! Templates that were read: their stacks, their environment, and where their values are written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use mesh_control::HeaderLimits;
use mesh_infra::cfn::{Positions, closest};
use mesh_local::{Network, Plan, StackEnvironment, StackInput};
use sidecar_contract::{Diagnostic, Diagnostics, ValidationErrors};

use super::{Location, Source, TemplateFileError, Templates, closest_hint, print_warnings};
use crate::console::print_error;

impl Templates {
    pub(crate) fn stacks(&self) -> Vec<StackInput<'_>> {
        let stacks = self.stacks.iter();
        let stacks = stacks.map(|stack| StackInput {
            name: &stack.name,
            template: &stack.template,
            parameters: &stack.parameters,
        });
        stacks.collect()
    }

    /// Checks that a stack has all given parameters.
    pub(crate) fn check_parameters(&self, stack: &StackInput<'_>) -> Result<(), TemplateFileError> {
        let declared = &stack.template.parameters;
        match stack.parameters.keys().find(|name| !declared.contains_key(*name)) {
            Some(unknown) => Err(TemplateFileError::Option {
                option: format!("--parameter {unknown}"),
                message: format!(
                    "the template has no such parameter{}",
                    closest_hint(unknown, declared.keys().map(String::as_str))
                ),
            }),
            None => Ok(()),
        }
    }

    /// Whether one of the templates has a resource.
    pub(crate) fn have_resources(&self) -> bool {
        let mut stacks = self.stacks.iter();
        stacks.any(|stack| !stack.template.resources.is_empty() || !stack.template.resource_loops.is_empty())
    }

    /// Adds a value that only AWS knows.
    #[cfg(feature = "aws")]
    pub(crate) fn add_value(&mut self, name: String, value: String) {
        self.environment.values = self.environment.values.clone().with(name, value);
    }

    /// Sets the network of the tasks.
    pub(crate) fn set_network(&mut self, network: Network) {
        self.environment.network = network;
    }

    /// Sets the limits of headers.
    pub(crate) fn set_header_limits(&mut self, limits: HeaderLimits) {
        self.environment.header_limits = limits;
    }

    /// What CloudFormation would know of the stacks.
    pub(crate) fn environment(&self) -> &StackEnvironment {
        &self.environment
    }

    /// The files of nested stacks that were read.
    pub(crate) fn nested_files(&self) -> Vec<PathBuf> {
        let sources = self.sources.borrow();
        let nested = sources
            .iter()
            .filter(|(name, _)| self.stacks.iter().all(|stack| stack.name != **name));
        nested.map(|(_, source)| source.path.clone()).collect()
    }

    /// Prints what is accepted in the files and probably not meant.
    pub(crate) fn print_warnings(&self) {
        for source in self.sources.borrow().values() {
            print_warnings(&source.path, &source.warnings);
        }
    }

    /// Prints the values that nothing has read, as warnings.
    pub(crate) fn warn_of_unread_values(&self) {
        for (name, message) in self.environment.values.unread() {
            let place = self.value_locations.get(&name);
            let place = place.map(|location| format!("{location}: ")).unwrap_or_default();
            print_error(&format!("warning: {place}--value {name}: {message}"));
        }
    }

    /// The stack of a path, and its file. The stack's name comes first if there are several.
    pub(crate) fn source_of(&self, path: &str) -> Option<(String, PathBuf)> {
        let sources = self.sources.borrow();
        let (stack, _) = self.split(path, &sources);
        let source = sources.get(stack)?;
        Some((stack.to_owned(), source.path.clone()))
    }

    /// The stack and the path within it.
    fn split<'p>(&'p self, path: &'p str, sources: &BTreeMap<String, Source>) -> (&'p str, &'p str) {
        match (path.split_once('/'), sources.len()) {
            (Some((stack, within)), _) if sources.contains_key(stack) => (stack, within),
            (_, 1) => (self.stacks[0].name.as_str(), path),
            // Without its resource: a stack as a whole.
            _ => match path.strip_prefix("stack ") {
                Some(stack) => (stack, ""),
                None => ("", path),
            },
        }
    }

    /// Where the values at paths are written. One that is not written has the position of what contains it.
    pub(crate) fn locations<'p>(&self, paths: impl IntoIterator<Item = &'p str>) -> Vec<Option<Location>> {
        let sources = self.sources.borrow();
        let mut positions: BTreeMap<String, Positions> = BTreeMap::new();
        let locate = |path: &str| {
            if let Some(value) = path.strip_prefix("--value ") {
                return self.value_locations.get(value).cloned();
            }
            let (stack, within) = self.split(path, &sources);
            let source = sources.get(stack)?;
            let positions = positions
                .entry(stack.to_owned())
                .or_insert_with(|| Positions::of(&source.text));
            let (line, column) = positions.get(within)?;
            Some(Location {
                file: source.path.clone(),
                line,
                column,
            })
        };
        paths.into_iter().map(locate).collect()
    }

    /// Mistakes in a plan that AWS accepts, each with its place.
    pub(crate) fn plan_warnings(&self, plan: &Plan) -> Vec<String> {
        let locations = self.locations(plan.warnings.iter().map(|(path, _)| path.as_str()));
        let warnings = plan.warnings.iter().zip(locations);
        let lines = warnings.map(|((path, message), location)| {
            let location = location.map(|location| format!("{location}: ")).unwrap_or_default();
            format!("{location}{path}: {message}")
        });
        lines.collect()
    }

    /// Prints mistakes in a plan that AWS accepts, and certificates that nothing uses, as warnings.
    pub(crate) fn warn(&self, plan: &Plan) {
        for warning in self.plan_warnings(plan) {
            print_error(&format!("warning: {warning}"));
        }
        let used = plan.certificate_sources();
        let given = &self.environment.certificates;
        for name in given.identities.keys().chain(given.authorities.keys()) {
            if !used.contains(name) {
                let meant = closest(name, used.iter().map(String::as_str));
                let hint = meant.map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
                print_error(&format!(
                    "warning: --certificate {name}: nothing uses this certificate{hint}"
                ));
            }
        }
    }

    /// The errors with file, line and column before their paths.
    pub(crate) fn located(&self, errors: ValidationErrors) -> ValidationErrors {
        let errors: Vec<Diagnostic> = errors.into_iter().collect();
        let locations = self.locations(errors.iter().map(|error| error.path.as_str()));
        let mut located = Diagnostics::new();
        for (Diagnostic { path, message }, location) in errors.into_iter().zip(locations) {
            let location = location.map(|location| format!("{location}: ")).unwrap_or_default();
            located.add(format!("{location}{path}"), message);
        }
        ValidationErrors::from(located)
    }
}
