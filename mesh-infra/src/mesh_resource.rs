//! The resources of meshes in a template, in either form, as far as the template alone tells.
//!
//! Checking, drawing and changing their form all ask: which resource of which mesh is this, and what does it say?
//! Names as a rule are attributes of other resources of the mesh, which are names again.

mod names;

use cfn::evaluate::contains_expression;
use cfn::{Resource, ResourceType, Template, appmesh, ssm};
use mesh_model::app_mesh::resource_path::PARAMETER_PREFIX;
use mesh_model::app_mesh::{Kind, ResourcePath, Spelling};
use serde_json::{Map, Value as Json};

pub(crate) use names::{Answer, Names, NoName};

/// One resource of a mesh: an `AWS::AppMesh::…`, or a parameter that holds one.
#[derive(Debug)]
pub(crate) struct MeshResource<'t> {
    pub(crate) logical_id: &'t str,
    /// Which resource it is. For one that is not known, why not.
    pub(crate) path: Result<ResourcePath, NoName>,
    /// What it is; `None` for a parameter whose name does not tell.
    pub(crate) kind: Option<Kind>,
    pub(crate) spelling: Spelling,
    pub(crate) document: Document,
    /// The condition under which it exists at all.
    pub(crate) condition: Option<&'t str>,
}

/// What a resource of a mesh says.
#[derive(Debug)]
pub(crate) enum Document {
    Known(Json),
    /// Some of it is known only once CloudFormation has evaluated it, or it is not there.
    Late,
    /// A parameter holds something else, for this reason.
    NoJson(String),
}

/// The resources of meshes, in the template's order.
pub(crate) fn mesh_resources(template: &Template) -> Vec<MeshResource<'_>> {
    let names = Names::new(template);
    let resources = template.resources.iter();
    resources
        .filter_map(|(logical_id, resource)| {
            if let Some(kind) = appmesh::kind_of(&resource.kind) {
                return Some(from_app_mesh(logical_id, resource, kind, &names));
            }
            if resource.kind == ssm::Parameter::KIND {
                return from_parameter(logical_id, resource, &names);
            }
            None
        })
        .collect()
}

impl MeshResource<'_> {
    /// Where its document stands in the template.
    pub(crate) fn place(&self) -> String {
        let property = match self.spelling {
            Spelling::Api => "Value",
            Spelling::CloudFormation => "Spec",
        };
        format!("Resources.{}.Properties.{property}", self.logical_id)
    }

    /// What it says, if that is known.
    pub(crate) fn known(&self) -> Option<&Json> {
        match &self.document {
            Document::Known(document) => Some(document),
            Document::Late | Document::NoJson(_) => None,
        }
    }
}

fn from_app_mesh<'t>(logical_id: &'t str, resource: &'t Resource, kind: Kind, names: &Names<'_>) -> MeshResource<'t> {
    let spec = match resource.properties.get("Spec") {
        Some(spec) => names.resolve_known(spec),
        // The only kind that may say nothing at all.
        None if kind == Kind::Mesh => Json::Object(Map::new()),
        None => cfn::unknown(),
    };
    MeshResource {
        logical_id,
        path: names.path(logical_id),
        kind: Some(kind),
        spelling: Spelling::CloudFormation,
        document: if contains_expression(&spec) {
            Document::Late
        } else {
            Document::Known(spec)
        },
        condition: resource.condition.as_deref(),
    }
}

/// `None` for a parameter that is none of ours.
fn from_parameter<'t>(logical_id: &'t str, resource: &'t Resource, names: &Names<'_>) -> Option<MeshResource<'t>> {
    let name = names.resolve_known(resource.properties.get("Name")?);
    let path = match &name {
        Json::String(name) if name.starts_with(PARAMETER_PREFIX) => {
            ResourcePath::from_parameter(name).ok_or_else(|| NoName::no_path(name))
        }
        late if begins_with_our_prefix(late) => Err(NoName::late("Name")),
        _ => return None,
    };
    let document = match resource.properties.get("Value").map(|value| names.resolve_known(value)) {
        Some(Json::String(text)) => match serde_json::from_str(&text) {
            Ok(document) => Document::Known(document),
            Err(error) => Document::NoJson(error.to_string()),
        },
        _ => Document::Late,
    };
    Some(MeshResource {
        logical_id,
        kind: path.as_ref().ok().map(|path| path.kind),
        path,
        spelling: Spelling::Api,
        document,
        condition: resource.condition.as_deref(),
    })
}

/// Whether a late name will be one of ours, whatever else it turns out to be.
fn begins_with_our_prefix(name: &Json) -> bool {
    let text = name.get("Fn::Sub").map(|sub| sub.get(0).unwrap_or(sub));
    text.and_then(Json::as_str)
        .is_some_and(|text| text.starts_with(PARAMETER_PREFIX))
}
