//! Revision markers: one parameter per mesh and stack, with a new value at each change of the mesh's parameters.
//!
//! CloudFormation updates the parameters of a stack in any order. The marker depends on all of them, so it is updated
//! last, and a control plane that sees its new value reads every change. Parameters that an update removes from the
//! stack are deleted after it.

use std::collections::{BTreeMap, BTreeSet};

use cfn::{Resource, Template, Value, intrinsic, ssm};
use mesh_model::app_mesh::ResourcePath;
use mesh_model::app_mesh::resource_path::{REVISION_PREFIX, UNVERSIONED};
use mesh_model::key_casing;
use serde_json::{Map, Value as Json, json};
use sha2::{Digest as _, Sha256};

/// The end of a marker's logical id, after the mesh's name.
const LOGICAL_ID_SUFFIX: &str = "MeshRevision";

/// Maximum number of values in one marker that CloudFormation evaluates, such as ARNs of certificates. They are part of
/// the marker's value, of at most 4096 bytes.
const MAX_UNRESOLVED: usize = 10;

/// The mesh parameters of a template, as (logical id, name), by mesh.
type MeshParameters = BTreeMap<String, Vec<(String, String)>>;

/// Adds a revision marker for each mesh with parameters in the template.
pub(crate) fn add_markers(template: &mut Template) {
    for (mesh, parameters) in mesh_parameters(template) {
        add_marker(template, &mesh, &parameters);
    }
}

fn add_marker(template: &mut Template, mesh: &str, parameters: &[(String, String)]) {
    let marker = ssm::Parameter::string(marker_name(mesh), marker_value(template, parameters));
    let mut resource = Resource::of(&marker);
    resource.depends_on = last_of(template, parameters);
    let words = mesh.split(|letter: char| !letter.is_ascii_alphanumeric());
    let mut id: String = words.map(key_casing::pascal_case).collect();
    id.push_str(LOGICAL_ID_SUFFIX);
    while template.resources.contains_key(&id) {
        id.push('X');
    }
    template.resources.insert(id, resource);
}

/// Updates the revision markers of a template, after the value of a mesh's parameter in it was changed. Without it, a
/// control plane notices the change only when it next reads all parameters. A marker that is missing, as in a template of an
/// earlier release, is added: one of another stack of the mesh would make the control plane read all parameters rarely.
pub fn refresh_revision_markers(template: &mut Template) {
    for (mesh, parameters) in mesh_parameters(template) {
        let name = marker_name(&mesh).to_json();
        let value = marker_value(template, &parameters).to_json();
        let is_marker = |resource: &&mut Resource| resource.kind == PARAMETER && resource.properties["Name"] == name;
        if let Some(marker) = template.resources.values_mut().find(is_marker) {
            marker.properties["Value"] = value;
        } else {
            add_marker(template, &mesh, &parameters);
        }
    }
}

const PARAMETER: &str = "AWS::SSM::Parameter";

/// The name of a marker. Each stack has its own, because a mesh may span stacks.
fn marker_name(mesh: &str) -> Value<String> {
    Value::Sub(format!("{REVISION_PREFIX}{mesh}/${{AWS::StackName}}"))
}

fn mesh_parameters(template: &Template) -> MeshParameters {
    let mut meshes = MeshParameters::new();
    for (id, resource) in &template.resources {
        let name = resource.properties.get("Name").and_then(Json::as_str);
        let path = name
            .filter(|_| resource.kind == PARAMETER)
            .and_then(ResourcePath::from_parameter);
        if let (Some(name), Some(path)) = (name, path) {
            meshes.entry(path.mesh).or_default().push((id.clone(), name.to_owned()));
        }
    }
    for parameters in meshes.values_mut() {
        // The order in the template is no part of the mesh.
        parameters.sort_by(|(_, first), (_, second)| first.cmp(second));
    }
    meshes
}

/// The hash of all names and values, followed by the values that only CloudFormation knows.
fn marker_value(template: &Template, parameters: &[(String, String)]) -> Value<String> {
    let mut hash = Sha256::new();
    let mut unresolved: Vec<Json> = Vec::new();
    let mut is_covered = true;
    for (id, name) in parameters {
        let Some(resource) = template.resources.get(id) else {
            continue;
        };
        let value = resource.properties.get("Value").unwrap_or(&Json::Null);
        // A length before each text, so that different lists have different texts.
        for text in [
            name,
            &value.to_string(),
            resource.condition.as_deref().unwrap_or_default(),
        ] {
            hash.update(format!("{}:{text}", text.len()));
        }
        match variables(value) {
            Some(variables) => unresolved.extend(variables),
            None => is_covered = false,
        }
    }
    let mut known = BTreeSet::new();
    unresolved.retain(|value| known.insert(value.to_string()));
    if !is_covered || unresolved.len() > MAX_UNRESOLVED {
        return Value::from(UNVERSIONED);
    }
    let mut text: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if unresolved.is_empty() {
        return Value::from(text);
    }
    let mut variables = Map::new();
    for (index, value) in unresolved.into_iter().enumerate() {
        let name = format!("Late{index}");
        text.push_str(&format!(" ${{{name}}}"));
        variables.insert(name, value);
    }
    Value::Function {
        name: "Fn::Sub".to_owned(),
        argument: json!([text, variables]),
    }
}

/// The unresolved values in the value of a parameter. `None` if the whole value is unresolved.
fn variables(value: &Json) -> Option<Vec<Json>> {
    match value {
        Json::String(_) | Json::Null => Some(Vec::new()),
        _ => {
            let (name, argument) = intrinsic(value)?;
            let variables = argument
                .get(1)
                .and_then(Json::as_object)
                .filter(|_| name == "Fn::Sub")?;
            Some(variables.values().cloned().collect())
        }
    }
}

/// The logical ids on which no other parameter of the list depends: a marker that depends on them depends on all.
fn last_of(template: &Template, parameters: &[(String, String)]) -> Vec<String> {
    let resources = parameters.iter().filter_map(|(id, _)| template.resources.get(id));
    let earlier: BTreeSet<&String> = resources.flat_map(|resource| &resource.depends_on).collect();
    let ids = parameters.iter().map(|(id, _)| id);
    ids.filter(|id| !earlier.contains(id)).cloned().collect()
}
