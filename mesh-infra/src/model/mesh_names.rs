//! The names of App Mesh resources, and the values of references to them.

use cfn::Template;
use cfn::appmesh::{kind_of, name_properties};
use cfn::evaluate::{Context, Evaluated, Evaluator, Reference, Resolution, Resolver, StackScope};
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use super::mesh_resource::app_mesh_path;

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
    let resource = stack.template().resources.get(logical_id)?;
    let kind = kind_of(&resource.kind)?;
    let mut name = |property: &str| Some(stack.property_text(logical_id, property, "", context)?.ok());
    match attribute {
        None | Some("Arn") => {
            let path = app_mesh_path(kind, &resource.properties, name).ok()?;
            Some(path.to_string())
        }
        Some(attribute) if name_properties(kind).contains(&attribute) => name(attribute)?,
        Some(_) => None,
    }
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
        for id in ["A", "B", "C", "D", "E"] {
            assert_eq!(names.reference(id, None), ReferenceValue::Unresolved, "{id}");
        }
        assert_eq!(names.reference("C", Some("MeshName")), ReferenceValue::Unresolved);
    }
}
