//! The resources of meshes, in either encoding.

use cfn::evaluate::contains_expression;
use cfn::{Resource, ResourceType, Template, appmesh, ssm};
use mesh_model::app_mesh::resource_path::PARAMETER_PREFIX;
use mesh_model::app_mesh::{KeyCasing, Kind, ResourcePath, ResourceSpec};
use serde_json::{Map, Value as Json};
use sidecar_contract::ValidationErrors;

use super::mesh_names::{MeshNames, UnknownPath};

/// One resource of a mesh: an `AWS::AppMesh::…`, or a parameter that contains one.
#[derive(Debug)]
pub struct MeshResource<'t> {
    /// Its logical id.
    pub logical_id: &'t str,
    /// Its path, or why the path is not known.
    pub path: Result<ResourcePath, UnknownPath>,
    /// Its kind; `None` for a parameter with an invalid name.
    pub kind: Option<Kind>,
    /// The casing of the keys in its document: `Api` in a parameter.
    pub spelling: KeyCasing,
    /// Its spec.
    pub spec: SpecReading,
    /// The condition under which it exists.
    pub condition: Option<&'t str>,
}

/// The spec of a mesh resource, as far as it is known.
#[derive(Debug)]
pub enum SpecReading {
    /// It is known.
    Known(Box<ResourceSpec>),
    /// It is known and invalid.
    Invalid(ValidationErrors),
    /// It is missing, or part of it is known only after CloudFormation has evaluated it.
    Unresolved,
    /// The value of the parameter is not JSON, for this reason.
    NotJson(String),
}

impl MeshResource<'_> {
    /// The path to its document in the template.
    #[must_use]
    pub fn document_path(&self) -> String {
        document_path(self.logical_id, self.spelling)
    }

    /// The spec, if it is known and valid.
    #[must_use]
    pub fn known_spec(&self) -> Option<&ResourceSpec> {
        match &self.spec {
            SpecReading::Known(spec) => Some(spec),
            SpecReading::Invalid(_) | SpecReading::Unresolved | SpecReading::NotJson(_) => None,
        }
    }
}

/// All mesh resources of a template, in its order.
pub(super) fn read_all<'t>(template: &'t Template, names: &MeshNames<'_>) -> Vec<MeshResource<'t>> {
    let resources = template.resources.iter();
    resources
        .filter_map(|(logical_id, resource)| match appmesh::kind_of(&resource.kind) {
            Some(kind) => Some(read_app_mesh(logical_id, resource, kind, names)),
            None if resource.kind == ssm::Parameter::KIND => read_parameter(logical_id, resource, names),
            None => None,
        })
        .collect()
}

fn read_app_mesh<'t>(
    logical_id: &'t str,
    resource: &'t Resource,
    kind: Kind,
    names: &MeshNames<'_>,
) -> MeshResource<'t> {
    let spelling = KeyCasing::Pascal;
    let spec = match resource.properties.get("Spec") {
        Some(spec) => read_spec(kind, &names.resolve_known(spec), spelling, logical_id),
        // The only kind that needs no spec.
        None if kind == Kind::Mesh => read_spec(kind, &Json::Object(Map::new()), spelling, logical_id),
        None => SpecReading::Unresolved,
    };
    MeshResource {
        logical_id,
        path: names.path(logical_id),
        kind: Some(kind),
        spelling,
        spec,
        condition: resource.condition.as_deref(),
    }
}

/// `None` for a parameter that does not belong to a mesh.
fn read_parameter<'t>(logical_id: &'t str, resource: &'t Resource, names: &MeshNames<'_>) -> Option<MeshResource<'t>> {
    let name = names.resolve_known(resource.properties.get("Name")?);
    let path = match &name {
        Json::String(name) if name.starts_with(PARAMETER_PREFIX) => {
            ResourcePath::from_parameter(name).ok_or_else(|| UnknownPath::invalid_parameter_name(name))
        }
        unresolved if has_our_prefix(unresolved) => Err(UnknownPath::unresolved("Name")),
        _ => return None,
    };
    let kind = path.as_ref().ok().map(|path| path.kind);
    let spec = match resource.properties.get("Value").map(|value| names.resolve_known(value)) {
        Some(Json::String(text)) => match (serde_json::from_str(&text), kind) {
            (Ok(document), Some(kind)) => read_spec(kind, &document, KeyCasing::Camel, logical_id),
            (Ok(_), None) => SpecReading::Unresolved,
            (Err(error), _) => SpecReading::NotJson(error.to_string()),
        },
        _ => SpecReading::Unresolved,
    };
    Some(MeshResource {
        logical_id,
        path,
        kind,
        spelling: KeyCasing::Camel,
        spec,
        condition: resource.condition.as_deref(),
    })
}

fn read_spec(kind: Kind, document: &Json, spelling: KeyCasing, logical_id: &str) -> SpecReading {
    // In a parameter, an object that looks like an expression is part of the document.
    if spelling == KeyCasing::Pascal && contains_expression(document) {
        return SpecReading::Unresolved;
    }
    match ResourceSpec::read(kind, document, spelling, &document_path(logical_id, spelling)) {
        Ok(spec) => SpecReading::Known(Box::new(spec)),
        Err(errors) => SpecReading::Invalid(errors),
    }
}

fn document_path(logical_id: &str, spelling: KeyCasing) -> String {
    let property = match spelling {
        KeyCasing::Camel => "Value",
        KeyCasing::Pascal => "Spec",
    };
    format!("Resources.{logical_id}.Properties.{property}")
}

/// Whether an unresolved name will start with the prefix of mesh parameters.
fn has_our_prefix(name: &Json) -> bool {
    let text = name.get("Fn::Sub").map(|sub| sub.get(0).unwrap_or(sub));
    text.and_then(Json::as_str)
        .is_some_and(|text| text.starts_with(PARAMETER_PREFIX))
}
