//! Meshes in CloudFormation templates: `AWS::AppMesh::*`, and the parameters that the control plane reads.

use std::collections::BTreeMap;

use cfn::evaluate::scalar_text;
use cfn::{ResourceType, ssm};
use mesh_model::app_mesh::{KeyCasing, Kind, ResourcePath, ResourceSpec};
use serde_json::{Value as Json, json};
use sidecar_contract::{Diagnostics, ValidationErrors};

use super::texts;
use crate::meshes::{MeshDocument, Meshes};
use crate::migrate::{SourceStack, Stacks, expand_loops};

/// Reads the meshes of stacks with the values of their parameters, and with loops (`Fn::ForEach`) carried out. Resources under
/// a condition that is false are left out.
///
/// Resources of other types are notes: a mesh does not contain them.
///
/// # Errors
///
/// Invalid specs, and values that depend on something unknown, such as an export of a stack that is not given.
pub fn read_templates(sources: &[SourceStack]) -> Result<Meshes, ValidationErrors> {
    let mut diagnostics = Diagnostics::new();
    let sources = &*expand_loops(sources, &mut diagnostics);
    let stacks = Stacks::new(sources, &mut diagnostics);
    let mut meshes = Meshes::default();
    for (stack, source) in sources.iter().enumerate() {
        let mut others: BTreeMap<&str, usize> = BTreeMap::new();
        let mut defaults: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (id, resource) in &source.template.resources {
            if !stacks.exists(stack, id) {
                meshes.note(
                    format!("{}.Resources.{id}", source.name),
                    "does not exist: its condition is false",
                );
                continue;
            }
            let location = format!("{}.Resources.{id}.Properties", source.name);
            let value = |name: &str| stacks.valued(stack, resource.properties.get(name)?);
            let app_mesh = stacks.paths.get(&(stack, id.clone())).cloned();
            let parameter = (resource.kind == ssm::Parameter::KIND)
                .then(|| ResourcePath::from_parameter(value("Name")?.as_str()?))
                .flatten();
            let found = match (app_mesh, parameter) {
                (Some(path), _) => {
                    let spec = value("Spec").or_else(|| (path.kind == Kind::Mesh).then(|| json!({})));
                    let tags = value("Tags").map(|tags| list_of_tags(&tags));
                    read(
                        path,
                        spec,
                        KeyCasing::Pascal,
                        &format!("{location}.Spec"),
                        &mut diagnostics,
                    )
                    .zip(Some(tags))
                }
                (None, Some(path)) => {
                    let text = value("Value").map(|value| scalar_text(&value));
                    let spec = text.and_then(|text| serde_json::from_str(&text).ok());
                    let tags = value("Tags").map(|tags| tags.as_object().and_then(texts));
                    read(
                        path,
                        spec,
                        KeyCasing::Camel,
                        &format!("{location}.Value"),
                        &mut diagnostics,
                    )
                    .zip(Some(tags))
                }
                (None, None) => {
                    *others.entry(&resource.kind).or_default() += 1;
                    continue;
                }
            };
            let Some(((path, spec), tags)) = found else { continue };
            for parameter in stacks.parameters_in(stack, &resource.properties) {
                if !source.parameters.contains_key(&parameter) {
                    defaults.entry(parameter).or_default().push(id);
                }
            }
            let tags = tags.unwrap_or_else(|| Some(BTreeMap::new())).unwrap_or_else(|| {
                diagnostics.add(format!("{location}.Tags"), "are not known keys and values");
                BTreeMap::new()
            });
            meshes.add(path, MeshDocument::new(spec, tags), &location, &mut diagnostics);
        }
        for (parameter, ids) in defaults {
            let Some(value) = stacks.parameter(stack, &parameter) else {
                continue;
            };
            meshes.note(
                format!("{}.Parameters.{parameter}", source.name),
                format!(
                    "has the default `{value}` in {}, which the mesh has instead of the parameter; --parameter \
                     {parameter}=VALUE sets another",
                    ids.join(", ")
                ),
            );
        }
        for (kind, count) in others {
            meshes.note(
                source.name.as_str(),
                format!("{count} × {kind}, which is not part of a mesh"),
            );
        }
    }
    diagnostics.into_result(meshes)
}

fn read(
    path: ResourcePath,
    spec: Option<Json>,
    casing: KeyCasing,
    location: &str,
    diagnostics: &mut Diagnostics,
) -> Option<(ResourcePath, ResourceSpec)> {
    let Some(spec) = spec else {
        diagnostics.add(location, "is missing, or not a known document");
        return None;
    };
    match ResourceSpec::read(path.kind, &spec, casing, location) {
        Ok(spec) => Some((path, spec)),
        Err(errors) => {
            diagnostics.extend(errors);
            None
        }
    }
}

fn list_of_tags(tags: &Json) -> Option<BTreeMap<String, String>> {
    let pairs = tags.as_array()?.iter().map(|tag| {
        let text = |key: &str| tag.get(key)?.as_str();
        Some((text("Key")?.to_owned(), text("Value")?.to_owned()))
    });
    pairs.collect()
}
