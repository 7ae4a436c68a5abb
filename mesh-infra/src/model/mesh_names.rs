//! The names of App Mesh resources, and the values of references to them.

use cfn::Template;
use cfn::appmesh::{kind_of, name_properties};
use cfn::evaluate::{Context, Evaluated, Evaluator, Reference, Resolution, Resolver, StackScope};
use mesh_model::app_mesh::{Kind, ResourcePath};
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

/// Limit on the length of names in bytes. App Mesh allows 255 characters.
const MAX_LENGTH: usize = 1024;

/// The names of a template's App Mesh resources. Each is evaluated once.
#[derive(Debug)]
pub(crate) struct MeshNames<'t> {
    template: &'t Template,
    evaluator: Evaluator<'t>,
}

/// Resolves references to App Mesh resources: names to names, ARNs to paths. Nothing else is known.
#[derive(Debug)]
struct MeshResolver;

impl Resolver for MeshResolver {
    fn resource(&self, reference: Reference<'_>, context: &mut Context<'_>) -> Resolution {
        let text = text_of(reference.stack, reference.logical_id, reference.attribute, context);
        text.map_or(Resolution::Unknown, |text| Resolution::Known(Json::from(text)))
    }
}

/// The value of a reference to a resource.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ReferenceValue {
    /// A known text.
    Text(String),
    /// The name of an App Mesh resource, which is unresolved.
    Unresolved,
    /// An attribute of an App Mesh resource that only App Mesh provides.
    AppMeshOnly,
    /// The resource is not an App Mesh resource.
    OtherResource,
}

/// The reason why the path of a mesh resource is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownPath {
    /// The property from which the path follows.
    pub property: &'static str,
    /// The error of this property; `None` if it is absent or unresolved.
    pub error: Option<String>,
}

impl UnknownPath {
    pub(super) fn unresolved(property: &'static str) -> Self {
        Self { property, error: None }
    }

    pub(super) fn invalid_parameter_name(name: &str) -> Self {
        Self {
            property: "Name",
            error: Some(format!(
                "is `{name}`, which is not the name of a mesh resource; expected a name like \
                 /meshwright/MESH/virtualNode/NAME"
            )),
        }
    }
}

impl<'t> MeshNames<'t> {
    pub(crate) fn new(template: &'t Template) -> Self {
        Self {
            template,
            evaluator: Evaluator::new(template, MeshResolver),
        }
    }

    /// The value of a reference to a resource, or to an attribute of it.
    pub(crate) fn reference(&self, logical_id: &str, attribute: Option<&str>) -> ReferenceValue {
        let resource = self.template.resources.get(logical_id);
        let Some(kind) = resource.and_then(|resource| kind_of(&resource.kind)) else {
            return ReferenceValue::OtherResource;
        };
        let is_known = match attribute {
            None | Some("Arn") => true,
            Some(attribute) => name_properties(kind).contains(&attribute),
        };
        if !is_known {
            return ReferenceValue::AppMeshOnly;
        }
        self.evaluate(|stack, context| text_of(stack, logical_id, attribute, context))
            .map_or(ReferenceValue::Unresolved, ReferenceValue::Text)
    }

    /// Evaluates everything that the names of App Mesh resources determine.
    pub(crate) fn resolve_known(&self, json: &Json) -> Json {
        match self.evaluator.evaluate(json) {
            // `AWS::NoValue` remains.
            Evaluated::Known(Json::Null) => json.clone(),
            evaluated => evaluated.into_expression(),
        }
    }

    /// The path of an App Mesh resource.
    pub(crate) fn path(&self, logical_id: &str) -> Result<ResourcePath, UnknownPath> {
        self.evaluate(|stack, context| path_of(stack, logical_id, context))
    }

    /// Errors are reported by the checks of references.
    fn evaluate<T>(&self, find: impl FnOnce(StackScope<'_>, &mut Context<'_>) -> T) -> T {
        let stack = self.evaluator.stacks().next().expect("one stack was given");
        find(stack, &mut Context::new(&mut Diagnostics::new()))
    }
}

/// What `Ref` and `Fn::GetAtt` return. An ARN is not known, but the path at its end is, and properties that take the
/// one take the other.
fn text_of(
    stack: StackScope<'_>,
    logical_id: &str,
    attribute: Option<&str>,
    context: &mut Context<'_>,
) -> Option<String> {
    let kind: Kind = kind_of(&stack.template().resources.get(logical_id)?.kind)?;
    match attribute {
        None | Some("Arn") => path_of(stack, logical_id, context).ok().map(|path| path.to_string()),
        Some(attribute) if name_properties(kind).contains(&attribute) => name(stack, logical_id, attribute, context),
        Some(_) => None,
    }
}

fn path_of(stack: StackScope<'_>, logical_id: &str, context: &mut Context<'_>) -> Result<ResourcePath, UnknownPath> {
    let resource = stack.template().resources.get(logical_id);
    let Some(kind) = resource.and_then(|resource| kind_of(&resource.kind)) else {
        return Err(UnknownPath::unresolved("Type"));
    };
    let names = name_properties(kind)
        .iter()
        .map(|property| path_segment(stack, logical_id, property, context))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(match names.as_slice() {
        [mesh] => ResourcePath::of_mesh(mesh),
        [mesh, name] => ResourcePath::new(mesh, kind, name),
        [mesh, parent, name, ..] => ResourcePath::within(mesh, parent, kind, name),
        [] => return Err(UnknownPath::unresolved("MeshName")),
    })
}

/// A name that is valid as a segment of a path.
fn path_segment(
    stack: StackScope<'_>,
    logical_id: &str,
    property: &'static str,
    context: &mut Context<'_>,
) -> Result<String, UnknownPath> {
    let name = name(stack, logical_id, property, context).ok_or_else(|| UnknownPath::unresolved(property))?;
    if name.is_empty() || name.contains('/') || name.chars().count() > 255 {
        // An invalid name of another resource is reported there.
        if is_attribute_of_another(stack.template(), logical_id, property) {
            return Err(UnknownPath::unresolved(property));
        }
        let error = format!("is `{name}`; allowed are 1 to 255 characters without /");
        return Err(UnknownPath {
            property,
            error: Some(error),
        });
    }
    Ok(name)
}

fn is_attribute_of_another(template: &Template, logical_id: &str, property: &str) -> bool {
    let resource = template.resources.get(logical_id);
    let given = resource.and_then(|resource| resource.properties.get(property));
    given.is_some_and(|given| given.get("Fn::GetAtt").is_some())
}

fn name(stack: StackScope<'_>, logical_id: &str, property: &str, context: &mut Context<'_>) -> Option<String> {
    let name = stack.property_text(logical_id, property, "", context)?.ok()?;
    (name.len() <= MAX_LENGTH).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn template(resources: Json) -> Template {
        Template::from_json(&json!({ "Resources": resources }).to_string()).expect("a template")
    }

    #[test]
    fn names_may_refer_to_names() {
        let template = template(json!({
            "Mesh": {"Type": "AWS::AppMesh::Mesh", "Properties": {"MeshName": "demo"}},
            "Router": {"Type": "AWS::AppMesh::VirtualRouter", "Properties": {
                "MeshName": {"Fn::GetAtt": ["Mesh", "MeshName"]}, "VirtualRouterName": {"Fn::Sub": "${Mesh.MeshName}-r"}}},
            "Route": {"Type": "AWS::AppMesh::Route", "Properties": {
                "MeshName": {"Fn::GetAtt": ["Router", "MeshName"]},
                "VirtualRouterName": {"Fn::GetAtt": ["Router", "VirtualRouterName"]}, "RouteName": "all"}},
            "Task": {"Type": "AWS::ECS::TaskDefinition"}
        }));
        let names = MeshNames::new(&template);
        let path = "mesh/demo/virtualRouter/demo-r/route/all";
        for (attribute, value) in [
            (None, ReferenceValue::Text(path.to_owned())),
            (Some("Arn"), ReferenceValue::Text(path.to_owned())),
            (Some("RouteName"), ReferenceValue::Text("all".to_owned())),
            (Some("Uid"), ReferenceValue::AppMeshOnly),
        ] {
            assert_eq!(names.reference("Route", attribute), value, "{attribute:?}");
        }
        assert_eq!(names.reference("Task", None), ReferenceValue::OtherResource);
        assert_eq!(names.reference("Missing", None), ReferenceValue::OtherResource);
    }

    #[test]
    fn cyclic_and_unknown_names_are_unresolved() {
        let mesh = |name: Json| json!({"Type": "AWS::AppMesh::Mesh", "Properties": {"MeshName": name}});
        let template = template(json!({
            "A": mesh(json!({"Fn::Sub": "${B.MeshName}${B.MeshName}"})),
            "B": mesh(json!({"Fn::GetAtt": ["A", "MeshName"]})),
            "C": mesh(json!({"Ref": "Elsewhere"})),
            "D": mesh(json!("a/b")),
            "E": {"Type": "AWS::AppMesh::Mesh"}
        }));
        let names = MeshNames::new(&template);
        for id in ["A", "B", "C", "E"] {
            assert_eq!(names.path(id), Err(UnknownPath::unresolved("MeshName")), "{id}");
        }
        assert!(names.path("D").is_err_and(|unknown| unknown.error.is_some()));
        assert_eq!(names.reference("C", Some("MeshName")), ReferenceValue::Unresolved);
    }
}
