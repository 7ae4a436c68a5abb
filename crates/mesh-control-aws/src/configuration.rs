//! A mesh from the parameters that hold its resources. What is wrong with one costs its change, never the mesh. Pure.
//!
//! Stacks write parameters one after another, and people write them by hand, so a reading may hold what does not fit
//! together. From what was read and the last good view follows the next good view:
//!
//! | what is wrong | what is done |
//! |---|---|
//! | a document by itself: no JSON, a field that is not allowed, no place of a mesh's resource | its last good value is kept; if there never was one, it is left out |
//! | a document that changed does not fit the others: it refers to what is not there | the same |
//! | a document is gone, and others refer to it | it is kept |
//! | something else does not fit | the whole last good view is kept |
//! | the mesh's own parameter is gone | the whole last good view is kept: a mesh that was deleted, by mistake or not, does not take the calls of running tasks down |
//!
//! Everything that is done so is said, with the parameter's name.

use std::collections::BTreeMap;

use mesh_model::app_mesh::{Assembly, KeyCasing, ResourcePath, Topology};
use serde_json::Value;

use crate::config_hash::ConfigHash;

/// A parameter, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) version: i64,
    /// What Parameter Store calls its type. Only a `String` is read.
    pub(crate) kind: String,
    pub(crate) value: String,
}

/// What is to be told of a mesh.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct View {
    pub(crate) topology: Topology,
    /// Of what was read, of which the view may leave something out.
    pub(crate) config_hash: ConfigHash,
    /// What could not be used as it is, each with the parameter's name and what was done.
    pub(crate) damaged: Vec<String>,
}

/// The configuration of one mesh, from reading to reading.
#[derive(Debug)]
pub(crate) struct Configuration {
    mesh: String,
    /// The documents of the last good view, by parameter.
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

    /// Takes in what was read: everything below the mesh's parameter, and that parameter if it is there.
    ///
    /// # Errors
    ///
    /// If there is no mesh: why, in one sentence. The last good view stays.
    pub(crate) fn read(&mut self, parameters: &[Parameter]) -> Result<View, String> {
        let root = ResourcePath::of_mesh(&self.mesh).to_parameter();
        if !parameters.iter().any(|parameter| parameter.name == root) {
            return Err(format!(
                "the parameter {root} does not exist: deploy the stack that creates the mesh, or look at the name of \
                 the mesh, the account and the region"
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

/// A view in the making.
struct Attempt<'g> {
    good: &'g BTreeMap<String, Document>,
    documents: BTreeMap<String, Document>,
    damaged: Vec<String>,
}

impl Attempt<'_> {
    /// Adds what a parameter says, or what it last said well.
    fn add(&mut self, parameter: &Parameter) {
        match Document::read(parameter) {
            Ok(document) => drop(self.documents.insert(parameter.name.clone(), document)),
            Err(diagnostics) => {
                let instead = self.withdraw(&parameter.name);
                let told = diagnostics
                    .into_iter()
                    .map(|diagnostic| format!("{diagnostic}; {instead}"));
                self.damaged.extend(told);
            }
        }
    }

    /// Gives a parameter its last good value, or leaves it out. Says which.
    fn withdraw(&mut self, name: &str) -> &'static str {
        match self.good.get(name) {
            Some(good) => {
                self.documents.insert(name.to_owned(), good.clone());
                "its last good value is kept"
            }
            None => {
                self.documents.remove(name);
                "it is left out"
            }
        }
    }

    /// Takes back what does not fit until the rest does.
    fn settle(&mut self, mesh: &str) -> Result<Topology, String> {
        let gone: BTreeMap<String, Document> = self
            .good
            .iter()
            .filter(|(name, _)| !self.documents.contains_key(*name))
            .map(|(name, document)| (name.clone(), document.clone()))
            .collect();
        let mut has_restored = false;
        loop {
            let misfits = match assemble(mesh, &self.documents) {
                Ok(topology) if !has_restored => return Ok(topology),
                Ok(_) => return self.forget_needless(mesh, &gone),
                Err(misfits) => misfits,
            };
            let is_new = |name: &String| self.good.is_empty() || self.documents.get(name) != self.good.get(name);
            let (new, old): (Vec<_>, Vec<_>) = misfits.into_iter().partition(|(name, _)| is_new(name));
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
                let told = old
                    .into_iter()
                    .map(|(name, diagnostic)| format!("{name}: {diagnostic}; the whole mesh is kept as it was"));
                self.damaged.extend(told);
                self.documents = self.good.clone();
                has_restored = false;
            } else {
                for (name, diagnostic) in new {
                    let instead = self.withdraw(&name);
                    self.damaged.push(format!("{name}: {diagnostic}; {instead}"));
                }
            }
        }
    }

    /// Of the parameters that are gone and were put back, lets go those that nothing needs.
    fn forget_needless(&mut self, mesh: &str, gone: &BTreeMap<String, Document>) -> Result<Topology, String> {
        for (name, document) in gone {
            self.documents.remove(name);
            if assemble(mesh, &self.documents).is_err() {
                self.documents.insert(name.clone(), document.clone());
                self.damaged
                    .push(format!("{name}: is gone, and others refer to it; it is kept"));
            }
        }
        assemble(mesh, &self.documents).map_err(|misfits| format!("{misfits:?}"))
    }
}

impl Document {
    /// Reads a parameter by itself.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, each with the parameter's name.
    fn read(parameter: &Parameter) -> Result<Self, Vec<String>> {
        let Parameter { name, kind, value, .. } = parameter;
        let wrong = |diagnostic: String| vec![format!("{name}: {diagnostic}")];
        let path = ResourcePath::from_parameter(name)
            .ok_or_else(|| wrong("is no place of a mesh's resource, as …/virtualNode/NAME is one".to_owned()))?;
        if kind != "String" {
            return Err(wrong(format!("is a {kind}; expected is a String")));
        }
        let json: Value = serde_json::from_str(value).map_err(|error| wrong(format!("is no JSON: {error}")))?;
        let mut alone = Assembly::new();
        alone.add(path.clone(), &json, KeyCasing::Camel, name);
        match alone.finish() {
            Err(mistakes) if !mistakes.documents.is_empty() => {
                Err(mistakes.documents.iter().map(ToString::to_string).collect())
            }
            _ => Ok(Self { path, json }),
        }
    }
}

/// The mesh of these documents, each of which is well by itself.
///
/// # Errors
///
/// What does not fit, with the parameter that it is about.
fn assemble(mesh: &str, documents: &BTreeMap<String, Document>) -> Result<Topology, Vec<(String, String)>> {
    let mut assembly = Assembly::new();
    for (name, Document { path, json }) in documents {
        assembly.add(path.clone(), json, KeyCasing::Camel, name);
    }
    let mut meshes = assembly.finish().map_err(|mistakes| {
        let diagnostics = mistakes.references.iter().chain(mistakes.documents.iter());
        diagnostics
            .map(|diagnostic| (diagnostic.path.clone(), diagnostic.message.clone()))
            .collect::<Vec<_>>()
    })?;
    let no_mesh = || vec![(ResourcePath::of_mesh(mesh).to_parameter(), "is not there".to_owned())];
    meshes.remove(mesh).ok_or_else(no_mesh)
}

#[cfg(test)]
mod tests;
