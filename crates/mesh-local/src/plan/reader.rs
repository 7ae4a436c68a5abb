//! Reads the model of the templates, and reports the errors of what is read.

use std::collections::BTreeMap;

use mesh_infra::cfn;
use mesh_infra::model::{InputResource, TemplateModel};
use sidecar_contract::Diagnostics;

use super::input::Findings;
use super::report;
use crate::network::Network;

/// Paths, each with what there is to say about it.
type Notes = Vec<(String, String)>;

/// Reads the model. Errors of a resource are reported where the plan uses it.
pub(super) struct Reader<'p, 'd> {
    pub(super) model: &'p TemplateModel<'p>,
    findings: BTreeMap<String, Findings>,
    /// The network of the tasks.
    pub(super) network: Network,
    pub(super) diagnostics: &'d mut Diagnostics,
    not_simulated: Vec<(String, String)>,
    assumed: Vec<(String, String)>,
}

impl<'p, 'd> Reader<'p, 'd> {
    pub(super) fn new(
        model: &'p TemplateModel<'p>,
        findings: BTreeMap<String, Findings>,
        network: Network,
        diagnostics: &'d mut Diagnostics,
    ) -> Self {
        Self {
            model,
            findings,
            network,
            diagnostics,
            not_simulated: Vec::new(),
            assumed: Vec::new(),
        }
    }

    /// All resources of one type.
    pub(super) fn all_of(&self, kind: &'static str) -> impl Iterator<Item = &'p InputResource<'p>> + use<'p> {
        let resources = self.model.resources().iter();
        resources.filter(move |resource| resource.kind() == kind)
    }

    /// Reports the errors of a resource's evaluation and properties, and lists properties that are not simulated.
    pub(super) fn report_resource(&mut self, resource: &InputResource<'_>) {
        // A resource that is used again was reported.
        if let Some(findings) = self.findings.remove(&resource.path) {
            self.diagnostics.extend(findings.errors);
            for property in findings.not_simulated {
                self.mark_not_simulated(property, "property");
            }
            for assumption in findings.assumptions {
                self.assume(assumption.path.clone(), assumption.note());
            }
        }
        for error in self.model.property_errors_of(resource) {
            report(self.diagnostics, error.path.as_str(), error.message.as_str());
        }
    }

    /// Reports read errors, except those of unknown values, which were reported by their evaluation.
    pub(super) fn report_all(&mut self, errors: Vec<cfn::ReadError>, path: &str) {
        for error in errors.into_iter().filter(|error| !error.is_unresolved()) {
            let diagnostic = error.into_diagnostic(path);
            report(self.diagnostics, diagnostic.path, diagnostic.message);
        }
    }

    /// Lists something as not simulated: a `property`, or a `container`.
    pub(super) fn mark_not_simulated(&mut self, path: String, what: &str) {
        self.not_simulated.push((path, what.to_owned()));
    }

    /// Notes what the plan takes for given at a path.
    pub(super) fn assume(&mut self, path: impl Into<String>, note: impl Into<String>) {
        let note = (path.into(), note.into());
        if !self.assumed.contains(&note) {
            self.assumed.push(note);
        }
    }

    /// What was read and is not simulated, and what is assumed.
    pub(super) fn into_notes(self) -> (Notes, Notes) {
        (self.not_simulated, self.assumed)
    }
}
