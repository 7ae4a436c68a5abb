//! What the resources of App Mesh are called, and what their attributes are.

use cfn::Template;
use cfn::appmesh::{kind_of, name_properties};
use cfn::evaluate::{Context, Evaluated, Evaluator, Reference, Resolution, Resolver, StackScope};
use mesh_model::app_mesh::{Kind, ResourcePath};
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

/// Limit on the length of names in bytes. App Mesh allows 255 characters.
const LONGEST: usize = 1024;

/// The names of a template's App Mesh resources. Each is evaluated once.
#[derive(Debug)]
pub(crate) struct Names<'t> {
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

/// What is known of a reference.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It stands for this text.
    Text(String),
    /// It leads to an App Mesh resource whose name is late.
    Late,
    /// It takes something of an App Mesh resource that only App Mesh could tell.
    OfAppMeshOnly,
    /// It leads to something else.
    Elsewhere,
}

/// Why a resource's path is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoName {
    /// The property that should tell.
    pub(crate) property: &'static str,
    /// What is wrong with it; `None` for one that is absent or late.
    pub(crate) mistake: Option<String>,
}

impl NoName {
    pub(super) fn late(property: &'static str) -> Self {
        Self {
            property,
            mistake: None,
        }
    }

    pub(super) fn no_path(name: &str) -> Self {
        Self {
            property: "Name",
            mistake: Some(format!(
                "is `{name}`, where no resource of a mesh is looked for; such names are like \
                 /meshwright/MESH/virtualNode/NAME"
            )),
        }
    }
}

impl<'t> Names<'t> {
    pub(crate) fn new(template: &'t Template) -> Self {
        Self {
            template,
            evaluator: Evaluator::new(template, MeshResolver),
        }
    }

    pub(crate) fn template(&self) -> &'t Template {
        self.template
    }

    /// What a reference to this resource, or to an attribute of it, stands for.
    pub(crate) fn answer(&self, logical_id: &str, attribute: Option<&str>) -> Answer {
        let resource = self.template.resources.get(logical_id);
        let Some(kind) = resource.and_then(|resource| kind_of(&resource.kind)) else {
            return Answer::Elsewhere;
        };
        let is_known = match attribute {
            None | Some("Arn") => true,
            Some(attribute) => name_properties(kind).contains(&attribute),
        };
        if !is_known {
            return Answer::OfAppMeshOnly;
        }
        self.evaluate(|stack, context| text_of(stack, logical_id, attribute, context))
            .map_or(Answer::Late, Answer::Text)
    }

    /// The document with everything evaluated that the names of App Mesh resources decide.
    pub(crate) fn resolve_known(&self, json: &Json) -> Json {
        match self.evaluator.evaluate(json) {
            // `AWS::NoValue` remains.
            Evaluated::Known(Json::Null) => json.clone(),
            evaluated => evaluated.into_expression(),
        }
    }

    /// Which resource this is.
    pub(crate) fn path(&self, logical_id: &str) -> Result<ResourcePath, NoName> {
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

fn path_of(stack: StackScope<'_>, logical_id: &str, context: &mut Context<'_>) -> Result<ResourcePath, NoName> {
    let resource = stack.template().resources.get(logical_id);
    let Some(kind) = resource.and_then(|resource| kind_of(&resource.kind)) else {
        return Err(NoName::late("Type"));
    };
    let names = name_properties(kind)
        .iter()
        .map(|property| part(stack, logical_id, property, context))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(match names.as_slice() {
        [mesh] => ResourcePath::of_mesh(mesh),
        [mesh, name] => ResourcePath::new(mesh, kind, name),
        [mesh, parent, name, ..] => ResourcePath::within(mesh, parent, kind, name),
        [] => return Err(NoName::late("MeshName")),
    })
}

/// A name that can be a part of a path.
fn part(
    stack: StackScope<'_>,
    logical_id: &str,
    property: &'static str,
    context: &mut Context<'_>,
) -> Result<String, NoName> {
    let name = name(stack, logical_id, property, context).ok_or_else(|| NoName::late(property))?;
    if name.is_empty() || name.contains('/') || name.chars().count() > 255 {
        // An invalid name of another resource is reported there.
        if is_attribute_of_another(stack.template(), logical_id, property) {
            return Err(NoName::late(property));
        }
        let mistake = format!("is `{name}`; allowed are 1 to 255 characters without /");
        return Err(NoName {
            property,
            mistake: Some(mistake),
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
    (name.len() <= LONGEST).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn template(resources: Json) -> Template {
        Template::from_json(&json!({ "Resources": resources }).to_string()).expect("a template")
    }

    #[test]
    fn names_lead_to_names() {
        let template = template(json!({
            "Mesh": {"Type": "AWS::AppMesh::Mesh", "Properties": {"MeshName": "demo"}},
            "Router": {"Type": "AWS::AppMesh::VirtualRouter", "Properties": {
                "MeshName": {"Fn::GetAtt": ["Mesh", "MeshName"]}, "VirtualRouterName": {"Fn::Sub": "${Mesh.MeshName}-r"}}},
            "Route": {"Type": "AWS::AppMesh::Route", "Properties": {
                "MeshName": {"Fn::GetAtt": ["Router", "MeshName"]},
                "VirtualRouterName": {"Fn::GetAtt": ["Router", "VirtualRouterName"]}, "RouteName": "all"}},
            "Task": {"Type": "AWS::ECS::TaskDefinition"}
        }));
        let names = Names::new(&template);
        let path = "mesh/demo/virtualRouter/demo-r/route/all";
        for (attribute, answer) in [
            (None, Answer::Text(path.to_owned())),
            (Some("Arn"), Answer::Text(path.to_owned())),
            (Some("RouteName"), Answer::Text("all".to_owned())),
            (Some("Uid"), Answer::OfAppMeshOnly),
        ] {
            assert_eq!(names.answer("Route", attribute), answer, "{attribute:?}");
        }
        assert_eq!(names.answer("Task", None), Answer::Elsewhere);
        assert_eq!(names.answer("Nobody", None), Answer::Elsewhere);
    }

    #[test]
    fn names_that_lead_nowhere_come_to_an_end() {
        let mesh = |name: Json| json!({"Type": "AWS::AppMesh::Mesh", "Properties": {"MeshName": name}});
        let template = template(json!({
            "A": mesh(json!({"Fn::Sub": "${B.MeshName}${B.MeshName}"})),
            "B": mesh(json!({"Fn::GetAtt": ["A", "MeshName"]})),
            "C": mesh(json!({"Ref": "Somewhere"})),
            "D": mesh(json!("a/b")),
            "E": {"Type": "AWS::AppMesh::Mesh"}
        }));
        let names = Names::new(&template);
        for id in ["A", "B", "C", "E"] {
            assert_eq!(names.path(id), Err(NoName::late("MeshName")), "{id}");
        }
        assert!(names.path("D").is_err_and(|no_name| no_name.mistake.is_some()));
        assert_eq!(names.answer("C", Some("MeshName")), Answer::Late);
    }
}
