//! What the resources of App Mesh are called, and what their attributes are.

use std::cell::RefCell;
use std::collections::BTreeMap;

use cfn::{
    Template, Value,
    appmesh::{kind_of, name_properties},
    intrinsic,
    partial_eval::settled,
};
use mesh_model::app_mesh::{Kind, ResourcePath};
use serde_json::Value as Json;

/// Names may lead to names, but not without end: a mesh's name is three steps away at most.
const DEEPEST: usize = 8;
/// App Mesh allows 255 letters. What is longer is no name, and names made of names must not grow without bound.
const LONGEST: usize = 1024;

/// The names of a template's App Mesh resources. Each is found once, however often it is asked for.
#[derive(Debug)]
pub(crate) struct Names<'t> {
    template: &'t Template,
    found: RefCell<BTreeMap<(String, String), Option<String>>>,
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
            found: RefCell::default(),
        }
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
        self.text(logical_id, attribute, 0).map_or(Answer::Late, Answer::Text)
    }

    /// The document with every reference to the names of App Mesh resources replaced by the name.
    pub(crate) fn settled(&self, json: &Json) -> Json {
        settled(json, &mut |logical_id, attribute| self.text(logical_id, attribute, 0))
    }

    /// Which resource this is.
    pub(crate) fn path(&self, logical_id: &str) -> Result<ResourcePath, NoName> {
        self.path_at(logical_id, 0)
    }

    fn path_at(&self, logical_id: &str, depth: usize) -> Result<ResourcePath, NoName> {
        let resource = self.template.resources.get(logical_id);
        let Some(kind) = resource.and_then(|resource| kind_of(&resource.kind)) else {
            return Err(NoName::late("Type"));
        };
        let names = name_properties(kind)
            .iter()
            .map(|property| self.part(logical_id, property, depth))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(match names.as_slice() {
            [mesh] => ResourcePath::of_mesh(mesh),
            [mesh, name] => ResourcePath::new(mesh, kind, name),
            [mesh, parent, name, ..] => ResourcePath::within(mesh, parent, kind, name),
            [] => return Err(NoName::late("MeshName")),
        })
    }

    /// A name that can be a part of a path.
    fn part(&self, logical_id: &str, property: &'static str, depth: usize) -> Result<String, NoName> {
        let name = self
            .name(logical_id, property, depth)
            .ok_or_else(|| NoName::late(property))?;
        if name.is_empty() || name.contains('/') || name.chars().count() > 255 {
            // What is wrong with the name of another resource is told there.
            if self.is_of_another(logical_id, property) {
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

    fn is_of_another(&self, logical_id: &str, property: &str) -> bool {
        let resource = self.template.resources.get(logical_id);
        let given = resource.and_then(|resource| resource.properties.get(property));
        given.is_some_and(|given| matches!(Value::<String>::from_json(given), Ok(Value::GetAtt { .. })))
    }

    /// What `Ref` and `Fn::GetAtt` answer. An ARN is not known, but the path at its end is, and whoever takes the one
    /// takes the other.
    fn text(&self, logical_id: &str, attribute: Option<&str>, depth: usize) -> Option<String> {
        let kind: Kind = kind_of(&self.template.resources.get(logical_id)?.kind)?;
        match attribute {
            None | Some("Arn") => self.path_at(logical_id, depth).ok().map(|path| path.to_string()),
            Some(attribute) if name_properties(kind).contains(&attribute) => self.name(logical_id, attribute, depth),
            Some(_) => None,
        }
    }

    fn name(&self, logical_id: &str, property: &str, depth: usize) -> Option<String> {
        let key = (logical_id.to_owned(), property.to_owned());
        if let Some(found) = self.found.borrow().get(&key) {
            return found.clone();
        }
        if depth == DEEPEST {
            return None;
        }
        // A name that leads to itself is found not to be known.
        self.found.borrow_mut().insert(key.clone(), None);
        let given = self.template.resources.get(logical_id)?.properties.get(property)?;
        let settled = settled(given, &mut |id, attribute| self.text(id, attribute, depth + 1));
        let name = match Value::<String>::from_json(&settled) {
            Ok(Value::Known(name)) if intrinsic(&settled).is_none() && name.len() <= LONGEST => Some(name),
            _ => None,
        };
        self.found.borrow_mut().insert(key, name.clone());
        name
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
