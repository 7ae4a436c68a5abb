//! The configuration of a mesh, from its parameters. An invalid parameter affects only itself. Pure.
//!
//! Stacks write parameters one after another, and people edit them manually, so a read may be inconsistent. The next
//! valid view follows from it and the last valid view:
//!
//! | error | consequence |
//! |---|---|
//! | a document is invalid: not JSON, an unknown field, not a mesh resource name | its last valid value is kept; without one, it is ignored |
//! | a changed document refers to missing ones | the same |
//! | a document was deleted, and others refer to it | it is kept |
//! | any other inconsistency | the last valid view is kept |
//! | the mesh's own parameter was deleted | the last valid view is kept: calls of running tasks go on |
//!
//! Each of these cases is reported with the parameter's name.

use std::collections::BTreeMap;

use mesh_model::app_mesh::{Assembly, KeyCasing, MeshClaim, ResourcePath, Topology};
use serde_json::Value;

use crate::config_hash::ConfigHash;
use crate::parameter::Parameter;

/// The valid configuration of a mesh.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct View {
    pub(crate) topology: Topology,
    /// The hash of all parameters, of which the view may ignore some.
    pub(crate) config_hash: ConfigHash,
    /// The invalid parameters, each with the reason and the consequence.
    pub(crate) damaged: Vec<String>,
}

/// The configuration of one mesh, across reads.
#[derive(Debug)]
pub(crate) struct Configuration {
    mesh: String,
    /// The documents of the last valid view, by parameter.
    good: BTreeMap<String, Document>,
}

#[derive(Debug, Clone, PartialEq)]
struct Document {
    path: ResourcePath,
    json: Value,
}

impl Configuration {
    pub(crate) fn of(mesh: &str) -> Self {
        Self {
            mesh: mesh.to_owned(),
            good: BTreeMap::new(),
        }
    }

    /// Applies the parameters of the mesh: its own, if it exists, and all below it.
    ///
    /// # Errors
    ///
    /// If there is no mesh: the reason, in one sentence. The last valid view remains.
    pub(crate) fn read(&mut self, parameters: &[Parameter]) -> Result<View, String> {
        let root = ResourcePath::of_mesh(&self.mesh).to_parameter();
        if !parameters.iter().any(|parameter| parameter.name == root) {
            return Err(format!(
                "the parameter {root} does not exist: deploy the stack that creates the mesh, or look at the name of \
                 the mesh, the account and the region"
            ));
        }
        let claim = parameters.iter().find(|parameter| parameter.name == root);
        if let Some(MeshClaim { claimed_by }) = claim.and_then(|parameter| MeshClaim::read(&parameter.value)) {
            let mesh = &self.mesh;
            return Err(format!(
                "the mesh {mesh} is in {claimed_by} and is changed by App Mesh's API: the parameter {root} says so. Delete \
                 the mesh there before a stack configures it"
            ));
        }
        let mut attempt = Attempt {
            good: &self.good,
            documents: BTreeMap::new(),
            damaged: Vec::new(),
        };
        for parameter in parameters {
            attempt.add(parameter);
        }
        if !attempt.documents.contains_key(&root) {
            return Err(attempt.damaged.join("; "));
        }
        let topology = attempt.settle(&self.mesh)?;
        let Attempt { documents, damaged, .. } = attempt;
        self.good = documents;
        Ok(View {
            topology,
            config_hash: ConfigHash::of(parameters),
            damaged,
        })
    }
}

/// A view under construction.
struct Attempt<'g> {
    good: &'g BTreeMap<String, Document>,
    documents: BTreeMap<String, Document>,
    damaged: Vec<String>,
}

impl Attempt<'_> {
    /// Adds a parameter's value, or its last valid value.
    fn add(&mut self, parameter: &Parameter) {
        match Document::read(parameter) {
            Ok(document) => drop(self.documents.insert(parameter.name.clone(), document)),
            Err(diagnostics) => {
                let consequence = self.revert(&parameter.name);
                let errors = diagnostics
                    .into_iter()
                    .map(|diagnostic| format!("{diagnostic}; {consequence}"));
                self.damaged.extend(errors);
            }
        }
    }

    /// Replaces a parameter by its last valid value, or ignores it. Returns which.
    fn revert(&mut self, name: &str) -> &'static str {
        match self.good.get(name) {
            Some(good) => {
                self.documents.insert(name.to_owned(), good.clone());
                "its last valid value is kept"
            }
            None => {
                self.documents.remove(name);
                "it is ignored"
            }
        }
    }

    /// Reverts inconsistent parameters until the rest is consistent.
    fn settle(&mut self, mesh: &str) -> Result<Topology, String> {
        let gone: BTreeMap<String, Document> = self
            .good
            .iter()
            .filter(|(name, _)| !self.documents.contains_key(*name))
            .map(|(name, document)| (name.clone(), document.clone()))
            .collect();
        let mut has_restored = false;
        loop {
            let inconsistencies = match assemble(mesh, &self.documents) {
                Ok(topology) if !has_restored => return Ok(topology),
                Ok(_) => return self.forget_needless(mesh, &gone),
                Err(inconsistencies) => inconsistencies,
            };
            let is_new = |name: &String| self.good.is_empty() || self.documents.get(name) != self.good.get(name);
            let (new, old): (Vec<_>, Vec<_>) = inconsistencies.into_iter().partition(|(name, _)| is_new(name));
            if new.is_empty() && !has_restored && !gone.is_empty() {
                self.documents.extend(gone.clone());
                has_restored = true;
            } else if new.is_empty() {
                if self.documents == *self.good {
                    let diagnostics: Vec<String> = old
                        .into_iter()
                        .map(|(name, diagnostic)| format!("{name}: {diagnostic}"))
                        .collect();
                    return Err(diagnostics.join("; "));
                }
                let errors = old.into_iter().map(|(name, diagnostic)| {
                    format!("{name}: {diagnostic}; the mesh keeps its last valid configuration")
                });
                self.damaged.extend(errors);
                self.documents = self.good.clone();
                has_restored = false;
            } else {
                for (name, diagnostic) in new {
                    let consequence = self.revert(&name);
                    self.damaged.push(format!("{name}: {diagnostic}; {consequence}"));
                }
            }
        }
    }

    /// Removes deleted parameters that were kept and are not needed.
    fn forget_needless(&mut self, mesh: &str, gone: &BTreeMap<String, Document>) -> Result<Topology, String> {
        for (name, document) in gone {
            self.documents.remove(name);
            if assemble(mesh, &self.documents).is_err() {
                self.documents.insert(name.clone(), document.clone());
                self.damaged
                    .push(format!("{name}: was deleted, and others refer to it; it is kept"));
            }
        }
        assemble(mesh, &self.documents).map_err(|inconsistencies| format!("{inconsistencies:?}"))
    }
}

impl Document {
    /// Parses one parameter.
    ///
    /// # Errors
    ///
    /// Each of these cases is reported with the parameter's name.
    fn read(parameter: &Parameter) -> Result<Self, Vec<String>> {
        let Parameter { name, kind, value, .. } = parameter;
        let wrong = |diagnostic: String| vec![format!("{name}: {diagnostic}")];
        let path = ResourcePath::from_parameter(name).ok_or_else(|| {
            wrong("is not a mesh resource name; expected /meshwright/MESH/virtualNode/NAME".to_owned())
        })?;
        if kind != "String" {
            return Err(wrong(format!("is a {kind}; expected a String")));
        }
        let json: Value = serde_json::from_str(value).map_err(|error| wrong(format!("is not valid JSON: {error}")))?;
        let mut alone = Assembly::new();
        alone.add(path.clone(), &json, KeyCasing::Camel, name);
        match alone.finish() {
            Err(errors) if !errors.documents.is_empty() => {
                Err(errors.documents.iter().map(ToString::to_string).collect())
            }
            _ => Ok(Self { path, json }),
        }
    }
}

/// The mesh of these valid documents.
///
/// # Errors
///
/// The inconsistencies, with their parameters.
fn assemble(mesh: &str, documents: &BTreeMap<String, Document>) -> Result<Topology, Vec<(String, String)>> {
    let mut assembly = Assembly::new();
    for (name, Document { path, json }) in documents {
        assembly.add(path.clone(), json, KeyCasing::Camel, name);
    }
    let mut meshes = assembly.finish().map_err(|errors| {
        let diagnostics = errors.references.iter().chain(errors.documents.iter());
        diagnostics
            .map(|diagnostic| (diagnostic.path.clone(), diagnostic.message.clone()))
            .collect::<Vec<_>>()
    })?;
    let no_mesh = || vec![(ResourcePath::of_mesh(mesh).to_parameter(), "is missing".to_owned())];
    meshes.remove(mesh).ok_or_else(no_mesh)
}

#[cfg(test)]
mod tests;
