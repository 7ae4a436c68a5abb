//! Conversion of `AWS::AppMesh::…` resources into parameters that contain their specs.

use std::cell::RefCell;

use cfn::evaluate::{Context, Evaluated, Evaluator, Reference, Resolution, Resolver, escape_sub};
use cfn::{Literal, Resource, Template, Value, appmesh, intrinsic, is_part_of, ssm};
use mesh_model::app_mesh::{KeyCasing, Kind, ResourceSpec};
use serde_json::{Map, Value as Json, json};
use sidecar_contract::{Diagnostic, Diagnostics, ValidationErrors};

use crate::check::check_parameter;
use crate::model::{MeshNames, MeshResource, ReferenceValue, SpecReading, TemplateModel, UnknownName, UnknownReason};

/// The template with parameters in place of App Mesh resources. Reports what a parameter cannot contain, unless an error
/// at the same path was reported before.
pub(crate) fn to_parameters(
    declared: &Template,
    names: &MeshNames<'_>,
    model: &TemplateModel<'_>,
    diagnostics: &mut Diagnostics,
) -> Template {
    let mut template = declared.clone();
    let is_app_mesh = |resource: &Resource| appmesh::kind_of(&resource.kind).is_some();
    if !template.resources.values().any(is_app_mesh) {
        return template;
    }
    let references = MeshReferences::new(names);
    let mut encoder = Encoder {
        references: &references,
        evaluator: Evaluator::new(declared, &references),
        errors: Diagnostics::new(),
        parameter_errors: Diagnostics::new(),
    };
    let mut mesh_resources = model.mesh_resources().iter();
    for (id, resource) in &mut template.resources {
        let path = format!("Resources.{id}.Properties");
        let (properties, references) = encoder.resolve_references(&resource.properties, &path);
        resource.properties = properties;
        for other in references {
            if other != *id && !resource.depends_on.contains(&other) {
                resource.depends_on.push(other);
            }
        }
        if let Some(kind) = appmesh::kind_of(&resource.kind)
            // Both are in the template's order.
            && let Some(mesh_resource) = mesh_resources.find(|mesh_resource| mesh_resource.logical_id == id)
        {
            encoder.encode(resource, kind, mesh_resource, &path);
        }
    }
    for (id, output) in &mut template.outputs {
        (output.value, _) = encoder.resolve_references(&output.value, &format!("Outputs.{id}.Value"));
    }
    for Diagnostic { path, message } in encoder.errors.into_iter().chain(encoder.parameter_errors) {
        if !diagnostics.iter().any(|reported| is_part_of(&path, &reported.path)) {
            diagnostics.add(path, message);
        }
    }
    template
}

struct Encoder<'m> {
    references: &'m MeshReferences<'m>,
    evaluator: Evaluator<'m>,
    errors: Diagnostics,
    /// Errors of the resulting parameters, which are reported last.
    parameter_errors: Diagnostics,
}

impl Encoder<'_> {
    /// Replaces references to App Mesh resources by names. Returns the new value and the logical ids of the resources.
    fn resolve_references(&mut self, json: &Json, path: &str) -> (Json, Vec<String>) {
        let json = match self.evaluator.evaluate(json) {
            // `AWS::NoValue` remains.
            Evaluated::Known(Json::Null) => json.clone(),
            evaluated => evaluated.into_expression(),
        };
        for (id, attribute) in self.references.unavailable.take() {
            self.errors.add(
                path,
                format!("refers to the attribute `{attribute}` of `{id}`, which only App Mesh can provide"),
            );
        }
        (json, self.references.resolved.take())
    }

    /// Turns an App Mesh resource with resolved references into a parameter. `path` is the path to its properties.
    fn encode(&mut self, resource: &mut Resource, kind: Kind, mesh_resource: &MeshResource<'_>, path: &str) {
        let resource_path = match &mesh_resource.path {
            Ok(resource_path) => resource_path,
            Err(unknown) => {
                if let Some(unknown) = unknown.first() {
                    let message = unknown_name_message(unknown);
                    self.errors.add(format!("{path}.{}", unknown.property), message);
                }
                return;
            }
        };
        let Json::Object(properties) = &mut resource.properties else {
            return;
        };
        for name in appmesh::name_properties(kind) {
            properties.shift_remove(*name);
        }
        let spec = properties.shift_remove("Spec");
        if spec.is_none() && kind != Kind::Mesh {
            self.errors.add(format!("{path}.Spec"), "is missing");
            return;
        }
        let tags = properties.shift_remove("Tags");
        for other in properties.keys() {
            self.errors.add(
                format!("{path}.{other}"),
                "is not supported in a parameter, and the control plane does not read it",
            );
        }
        if let Some(value) = self.parameter_value(kind, spec, mesh_resource) {
            let mut parameter = ssm::Parameter::string(resource_path.to_parameter(), value);
            if let Some(tags) = tags.and_then(|tags| self.parameter_tags(&tags, &format!("{path}.Tags"))) {
                parameter.other.insert("Tags".to_owned(), tags);
            }
            check_parameter(&parameter, path, &mut self.parameter_errors);
            let Resource { kind, properties, .. } = Resource::of(&parameter);
            resource.kind = kind;
            resource.properties = properties;
        }
    }

    /// The value of the parameter. `None` if the spec is invalid.
    fn parameter_value(
        &mut self,
        kind: Kind,
        spec: Option<Json>,
        mesh_resource: &MeshResource<'_>,
    ) -> Option<Value<String>> {
        match (&mesh_resource.spec, spec) {
            (SpecReading::Known(spec), _) => Some(Value::Known(spec.write(KeyCasing::Camel).to_string())),
            (SpecReading::Unresolved { .. }, Some(spec)) => {
                let path = mesh_resource.document_path();
                let mut unresolved = UnresolvedValues::default();
                let spec = unresolved.replace(&spec, &path);
                match ResourceSpec::read(kind, &spec, KeyCasing::Pascal, &path) {
                    Ok(spec) => Some(unresolved.substitute_into(spec.write(KeyCasing::Camel).to_string())),
                    Err(errors) => {
                        self.add_spec_errors(errors, &unresolved);
                        None
                    }
                }
            }
            // The checks report invalid specs.
            _ => None,
        }
    }

    fn add_spec_errors(&mut self, errors: ValidationErrors, unresolved: &UnresolvedValues) {
        for Diagnostic { path, message } in errors.iter() {
            let message = match unresolved.paths.contains(path) {
                true => {
                    "is known only after CloudFormation has evaluated it; a parameter can contain such values only as texts"
                }
                false => message.as_str(),
            };
            self.errors.add(path.as_str(), message);
        }
    }

    /// Tags as Systems Manager has them: an object instead of a list.
    fn parameter_tags(&mut self, tags: &Json, path: &str) -> Option<Json> {
        let key_and_value = |tag: &Json| {
            let key = String::from_json(tag.get("Key")?).ok()?;
            Some((key, tag.get("Value")?.clone()))
        };
        let tags = tags.as_array();
        let pairs = tags.and_then(|tags| tags.iter().map(key_and_value).collect::<Option<Map<_, _>>>());
        if pairs.is_none() {
            self.errors
                .add(path, "is not a list of tags with known keys, which a parameter needs");
        }
        pairs.map(Json::Object)
    }
}

/// Resolves references to App Mesh resources by their names, and records them.
#[derive(Debug)]
struct MeshReferences<'n> {
    names: &'n MeshNames<'n>,
    /// The logical ids of resolved references.
    resolved: RefCell<Vec<String>>,
    /// Attributes that only App Mesh provides, each after its logical id.
    unavailable: RefCell<Vec<(String, String)>>,
}

impl<'n> MeshReferences<'n> {
    fn new(names: &'n MeshNames<'_>) -> Self {
        Self {
            names,
            resolved: RefCell::default(),
            unavailable: RefCell::default(),
        }
    }
}

impl Resolver for MeshReferences<'_> {
    fn resource(&self, reference: Reference<'_>, _context: &mut Context<'_>) -> Resolution {
        let (id, attribute) = (reference.logical_id, reference.attribute);
        match self.names.reference(id, attribute) {
            ReferenceValue::Text(text) => {
                self.resolved.borrow_mut().push(id.to_owned());
                Resolution::Known(Json::from(text))
            }
            // An unresolved name is reported at the other resource.
            ReferenceValue::Unresolved | ReferenceValue::OtherResource => Resolution::Unknown,
            ReferenceValue::AppMeshOnly => {
                let attribute = attribute.unwrap_or_default().to_owned();
                self.unavailable.borrow_mut().push((id.to_owned(), attribute));
                Resolution::Unknown
            }
        }
    }
}

fn unknown_name_message(unknown: &UnknownName) -> &str {
    match &unknown.reason {
        UnknownReason::Invalid(error) => error,
        UnknownReason::Missing | UnknownReason::Unresolved => {
            "is not known; the name of the parameter contains it, so set it to a known text"
        }
    }
}

/// The values of a spec that CloudFormation evaluates, such as the ARN of a certificate. `Fn::Sub` inserts them into the
/// parameter's text; values that AWS provides contain no quotes or backslashes.
#[derive(Default)]
struct UnresolvedValues {
    variables: Map<String, Json>,
    /// Their paths in the template.
    paths: Vec<String>,
}

impl UnresolvedValues {
    /// Replaces each unresolved value by a placeholder `${Late0}`, `${Late1}`, …; other texts are escaped for `Fn::Sub`.
    fn replace(&mut self, json: &Json, path: &str) -> Json {
        match json {
            _ if intrinsic(json).is_some() => {
                let name = format!("Late{}", self.variables.len());
                let placeholder = format!("${{{name}}}");
                self.variables.insert(name, json.clone());
                self.paths.push(path.to_owned());
                Json::from(placeholder)
            }
            Json::Object(object) => object
                .iter()
                .map(|(key, value)| (key.clone(), self.replace(value, &format!("{path}.{key}"))))
                .collect::<Map<_, _>>()
                .into(),
            Json::Array(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| self.replace(item, &format!("{path}[{index}]")))
                .collect(),
            Json::String(text) => Json::from(escape_sub(text)),
            scalar => scalar.clone(),
        }
    }

    fn substitute_into(self, text: String) -> Value<String> {
        Value::Function {
            name: "Fn::Sub".to_owned(),
            argument: json!([text, self.variables]),
        }
    }
}
