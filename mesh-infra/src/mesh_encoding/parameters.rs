//! From `AWS::AppMesh::…` resources to parameters that hold their specs.

use std::cell::RefCell;

use cfn::evaluate::{Context, Evaluated, Evaluator, Reference, Resolution, Resolver, escape_sub};
use cfn::{Literal, Resource, Template, Value, appmesh, intrinsic, is_part_of, ssm};
use mesh_model::app_mesh::{
    GatewayRouteSpec, Kind, MeshSpec, ResourcePath, RouteSpec, Spec, Spelling, VirtualGatewaySpec, VirtualNodeSpec,
    VirtualRouterSpec, VirtualServiceSpec,
};
use serde_json::{Map, Value as Json, json};
use sidecar_contract::{Diagnostic, Diagnostics, ValidationErrors};

use crate::check::check_parameters;
use crate::mesh_resource::{Answer, Names, NoName};

/// Turns every App Mesh resource into a parameter. Notes what cannot be said in one, unless its place was noted before.
pub(crate) fn to_parameters(template: &mut Template, diagnostics: &mut Diagnostics) {
    let original = template.clone();
    let names = Names::new(&original);
    let references = MeshReferences::new(&names);
    let evaluator = Evaluator::new(names.template(), &references);
    let mut found = Diagnostics::new();
    for (id, resource) in &mut template.resources {
        let place = format!("Resources.{id}.Properties");
        let (properties, leads_to) = references.replace(&resource.properties, &evaluator, &place, &mut found);
        resource.properties = properties;
        for other in leads_to {
            if other != *id && !resource.depends_on.contains(&other) {
                resource.depends_on.push(other);
            }
        }
        if let Some(kind) = appmesh::kind_of(&resource.kind) {
            match names.path(id) {
                Ok(path) => become_parameter(resource, kind, &path, &place, &mut found),
                Err(no_name) => found.add(format!("{place}.{}", no_name.property), needs_name(no_name)),
            }
        }
    }
    for (id, output) in &mut template.outputs {
        let place = format!("Outputs.{id}.Value");
        (output.value, _) = references.replace(&output.value, &evaluator, &place, &mut found);
    }
    check_parameters(template, &mut found);
    for Diagnostic { path, message } in found.iter() {
        if !diagnostics.iter().any(|noted| is_part_of(path, &noted.path)) {
            diagnostics.add(path.as_str(), message.as_str());
        }
    }
}

fn needs_name(no_name: NoName) -> String {
    no_name.mistake.unwrap_or_else(|| {
        "is not known now; the parameter that holds the resource is named after it, so give it a name".to_owned()
    })
}

/// Resolves references to App Mesh resources by their names, and records them.
#[derive(Debug)]
struct MeshReferences<'n> {
    names: &'n Names<'n>,
    /// The logical ids of resolved references.
    resolved: RefCell<Vec<String>>,
    /// Attributes that only App Mesh knows, each after its logical id.
    unavailable: RefCell<Vec<(String, String)>>,
}

impl<'n> MeshReferences<'n> {
    fn new(names: &'n Names<'_>) -> Self {
        Self {
            names,
            resolved: RefCell::default(),
            unavailable: RefCell::default(),
        }
    }

    /// The document with names in place of references to App Mesh resources, and the logical ids of these.
    fn replace(
        &self,
        json: &Json,
        evaluator: &Evaluator<'_>,
        place: &str,
        diagnostics: &mut Diagnostics,
    ) -> (Json, Vec<String>) {
        let json = match evaluator.evaluate(json) {
            // `AWS::NoValue` remains.
            Evaluated::Known(Json::Null) => json.clone(),
            evaluated => evaluated.into_expression(),
        };
        for (id, attribute) in self.unavailable.take() {
            diagnostics.add(
                place,
                format!("takes the attribute `{attribute}` of `{id}`, which only App Mesh could tell"),
            );
        }
        (json, self.resolved.take())
    }
}

impl Resolver for MeshReferences<'_> {
    fn resource(&self, reference: Reference<'_>, _context: &mut Context<'_>) -> Resolution {
        let (id, attribute) = (reference.logical_id, reference.attribute);
        match self.names.answer(id, attribute) {
            Answer::Text(text) => {
                self.resolved.borrow_mut().push(id.to_owned());
                Resolution::Known(Json::from(text))
            }
            // A name that is not known now is reported at the other resource.
            Answer::Late | Answer::Elsewhere => Resolution::Unknown,
            Answer::OfAppMeshOnly => {
                let attribute = attribute.unwrap_or_default().to_owned();
                self.unavailable.borrow_mut().push((id.to_owned(), attribute));
                Resolution::Unknown
            }
        }
    }
}

/// Writes the resource anew. Its references have been replaced.
fn become_parameter(
    resource: &mut Resource,
    kind: Kind,
    path: &ResourcePath,
    place: &str,
    diagnostics: &mut Diagnostics,
) {
    let mut properties = resource.properties.as_object().cloned().unwrap_or_default();
    for name in appmesh::name_properties(kind) {
        properties.shift_remove(*name);
    }
    let spec = properties.shift_remove("Spec");
    if spec.is_none() && kind != Kind::Mesh {
        diagnostics.add(format!("{place}.Spec"), "is missing");
        return;
    }
    let spec = spec.unwrap_or_else(|| Json::Object(Map::new()));
    let tags = properties.shift_remove("Tags");
    for other in properties.keys() {
        diagnostics.add(
            format!("{place}.{other}"),
            "cannot be said in a parameter, and our control plane would not know it",
        );
    }
    let mut late = LateValues::default();
    let spec = late.put_aside(&spec, &format!("{place}.Spec"));
    match respelled(kind, &spec, &format!("{place}.Spec")) {
        Ok(spec) => {
            let mut parameter = ssm::Parameter::string(path.to_parameter(), late.put_into(spec.to_string()));
            if let Some(tags) = tags.and_then(|tags| tags_of(&tags, &format!("{place}.Tags"), diagnostics)) {
                parameter.other.insert("Tags".to_owned(), tags);
            }
            let Resource { kind, properties, .. } = Resource::of(&parameter);
            resource.kind = kind;
            resource.properties = properties;
        }
        Err(found) => {
            for Diagnostic { path, message } in found.iter() {
                let message = match late.paths.contains(path) {
                    true => "is known only once CloudFormation has evaluated it; in a parameter only texts can be",
                    false => message.as_str(),
                };
                diagnostics.add(path.as_str(), message);
            }
        }
    }
}

/// A spec in the API's spelling.
fn respelled(kind: Kind, spec: &Json, place: &str) -> Result<Json, ValidationErrors> {
    fn of<S: Spec>(spec: &Json, place: &str) -> Result<Json, ValidationErrors> {
        S::read(spec, Spelling::CloudFormation, place).map(|spec| spec.write(Spelling::Api))
    }
    match kind {
        Kind::Mesh => of::<MeshSpec>(spec, place),
        Kind::VirtualNode => of::<VirtualNodeSpec>(spec, place),
        Kind::VirtualRouter => of::<VirtualRouterSpec>(spec, place),
        Kind::Route => of::<RouteSpec>(spec, place),
        Kind::VirtualService => of::<VirtualServiceSpec>(spec, place),
        Kind::VirtualGateway => of::<VirtualGatewaySpec>(spec, place),
        Kind::GatewayRoute => of::<GatewayRouteSpec>(spec, place),
    }
}

/// The values of a spec that CloudFormation evaluates, such as the ARN of a certificate. In the parameter's text,
/// `Fn::Sub` puts them in: they are texts without quotes or backslashes, as all that AWS answers is.
#[derive(Default)]
struct LateValues {
    variables: Map<String, Json>,
    /// Where they stand in the template.
    paths: Vec<String>,
}

impl LateValues {
    /// The spec with `${Late0}` and so on in place of late values, which is a text to whoever judges it.
    fn put_aside(&mut self, spec: &Json, place: &str) -> Json {
        let replaced = self.walk(spec, place);
        // Only a text that `Fn::Sub` reads has anything to be escaped.
        if self.variables.is_empty() {
            spec.clone()
        } else {
            replaced
        }
    }

    fn walk(&mut self, json: &Json, place: &str) -> Json {
        match json {
            _ if intrinsic(json).is_some() => {
                let name = format!("Late{}", self.variables.len());
                let text = format!("${{{name}}}");
                self.variables.insert(name, json.clone());
                self.paths.push(place.to_owned());
                Json::from(text)
            }
            Json::Object(object) => object
                .iter()
                .map(|(key, value)| (key.clone(), self.walk(value, &format!("{place}.{key}"))))
                .collect::<Map<_, _>>()
                .into(),
            Json::Array(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| self.walk(item, &format!("{place}[{index}]")))
                .collect(),
            Json::String(text) => Json::from(escape_sub(text)),
            scalar => scalar.clone(),
        }
    }

    fn put_into(self, text: String) -> Value<String> {
        if self.variables.is_empty() {
            return Value::Known(text);
        }
        Value::Function {
            name: "Fn::Sub".to_owned(),
            argument: json!([text, self.variables]),
        }
    }
}

/// Tags as Systems Manager has them: an object in place of a list.
fn tags_of(tags: &Json, place: &str, diagnostics: &mut Diagnostics) -> Option<Json> {
    let key_and_value = |tag: &Json| {
        let key = String::from_json(tag.get("Key")?).ok()?;
        Some((key, tag.get("Value")?.clone()))
    };
    let tags = tags.as_array();
    let pairs = tags.and_then(|tags| tags.iter().map(key_and_value).collect::<Option<Map<_, _>>>());
    if pairs.is_none() {
        diagnostics.add(
            place,
            "is no list of tags whose keys are known now, which a parameter needs",
        );
    }
    pairs.map(Json::Object)
}
