//! Links between stacks: what a stack has that others refer to, and what it refers to outside of itself. They show which
//! templates belong together.
//!
//! Pure. Errors are left to [`Plan`](crate::Plan), which reads the same templates.

use std::collections::BTreeSet;

use cfn::evaluate::{Context, DynamicReference, DynamicService, Evaluated, StackScope, scalar_text};
use cfn::{ResourceType, Template, appmesh, ecs, intrinsic, servicediscovery as cloud_map, ssm};
use mesh_model::app_mesh::{Kind, ResourcePath};
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use crate::evaluate::{PreparedStacks, Resource, Stacks};
use crate::stack_environment::StackEnvironment;
use crate::stack_input::StackInput;

/// Something by which stacks refer to each other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Link {
    /// An export, by name.
    Export(String),
    /// An output that becomes a parameter of another stack: (stack, output).
    Output(String, String),
    /// A parameter of Systems Manager, by name.
    Parameter(String),
    /// An ECS cluster, by name.
    Cluster(String),
    /// A Cloud Map namespace, by name.
    Namespace(String),
    /// A mesh of App Mesh, by name.
    Mesh(String),
    /// An ECS service, by name: two stacks with the same one are not deployed together.
    Service(String),
}

/// The links of a stack, with those of the stacks nested in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StackLinks {
    /// What it has.
    pub provides: BTreeSet<Link>,
    /// What it refers to and does not have itself.
    pub wants: BTreeSet<Link>,
}

impl StackLinks {
    /// The links of one stack, as far as they can be evaluated without the others.
    #[must_use]
    pub fn of(stack: StackInput<'_>, environment: &StackEnvironment) -> Self {
        let mut reported_by_plan = Diagnostics::new();
        let prepared = PreparedStacks::new(&[stack], environment, &mut reported_by_plan);
        let stacks = Stacks::new(&prepared, environment, &mut reported_by_plan);
        let mut links = Self::default();
        for scope in stacks.scopes() {
            links.add_outputs(scope);
            links.add_imports(scope);
            links.add_parameters(scope);
        }
        for resource in stacks.resources(&mut reported_by_plan) {
            links.add_resource(resource, &mut reported_by_plan);
        }
        links.wants = links.wants.difference(&links.provides).cloned().collect();
        links
    }

    fn add_outputs(&mut self, scope: StackScope<'_>) {
        for (id, output) in &scope.template().outputs {
            let name = output.export.as_ref().and_then(|export| export.get("Name"));
            if let Some(name) = name.and_then(|name| text_of(scope, name)) {
                self.provides.insert(Link::Export(name));
            }
            self.provides.insert(Link::Output(scope.name().to_owned(), id.clone()));
        }
        for import in scope.template().stack_imports() {
            self.wants.insert(Link::Output(import.stack, import.output));
        }
    }

    fn add_imports(&mut self, scope: StackScope<'_>) {
        for_each_value(scope.template(), &mut |json| {
            match intrinsic(json) {
                Some(("Fn::ImportValue", name)) => {
                    self.wants.extend(text_of(scope, name).map(Link::Export));
                }
                _ => {
                    let text = json.as_str().unwrap_or_default();
                    let parts = text.split("{{resolve:").skip(1);
                    let references = parts.filter_map(|part| DynamicReference::parse(part.split("}}").next()?));
                    let parameters = references.filter(|reference| reference.service != DynamicService::SecretsManager);
                    self.wants
                        .extend(parameters.map(|reference| Link::Parameter(reference.name)));
                }
            };
        });
    }

    /// Parameters of the template whose values are those of Systems Manager.
    fn add_parameters(&mut self, scope: StackScope<'_>) {
        for (name, parameter) in &scope.template().parameters {
            if parameter.kind.starts_with("AWS::SSM::Parameter::Value<") {
                let given = scope.parameter(name).or(parameter.default.as_ref());
                self.wants
                    .extend(given.map(|value| Link::Parameter(scalar_text(value))));
            }
        }
    }

    fn add_resource(&mut self, resource: Resource<'_>, errors: &mut Diagnostics) {
        let name = |property: &str, errors: &mut Diagnostics| resource.text(property, errors);
        match resource.kind {
            ecs::Cluster::KIND => {
                let name = resource.physical_id(errors);
                self.provides
                    .extend(name.as_str().map(|name| Link::Cluster(name.to_owned())));
            }
            cloud_map::HttpNamespace::KIND | cloud_map::PrivateDnsNamespace::KIND => {
                self.provides.extend(name("Name", errors).map(Link::Namespace));
            }
            ssm::Parameter::KIND => self.provides.extend(name("Name", errors).map(Link::Parameter)),
            ecs::Service::KIND => {
                let own = resource.attribute("Name", errors);
                self.provides
                    .extend(own.as_str().map(|name| Link::Service(name.to_owned())));
                let properties = resource.properties(&|_| false, &mut Vec::new(), errors);
                let text = |pointer: &str| {
                    let text = properties.pointer(pointer)?.as_str()?;
                    Some(text.rsplit('/').next().unwrap_or(text).to_owned())
                };
                self.wants.extend(text("/Cluster").map(Link::Cluster));
                let namespace = text("/ServiceConnectConfiguration/Namespace");
                self.wants.extend(namespace.map(Link::Namespace));
            }
            ecs::TaskDefinition::KIND => {
                let properties = resource.properties(&|_| false, &mut Vec::new(), errors);
                self.wants.extend(meshes_of_envoys(&properties).map(Link::Mesh));
            }
            kind if appmesh::kind_of(kind) == Some(Kind::Mesh) => {
                let name = resource.attribute("MeshName", errors);
                self.provides
                    .extend(name.as_str().map(|name| Link::Mesh(name.to_owned())));
            }
            kind if appmesh::kind_of(kind).is_some() => {
                let mesh = name("MeshName", errors);
                self.wants.extend(mesh.map(Link::Mesh));
            }
            _ => {}
        }
    }
}

/// The meshes that a task definition's containers name in their environment.
fn meshes_of_envoys(properties: &Json) -> impl Iterator<Item = String> {
    let containers = properties.get("ContainerDefinitions").and_then(Json::as_array);
    let containers = containers.into_iter().flatten();
    let variables = containers.filter_map(|container| container.get("Environment")?.as_array());
    let values = variables
        .flatten()
        .filter_map(|variable| ResourcePath::parse(variable.get("Value")?.as_str()?));
    values.map(|path| path.mesh)
}

/// A value of a stack as text, if it is known.
fn text_of(scope: StackScope<'_>, json: &Json) -> Option<String> {
    let value = scope.evaluate(json, "", &mut Context::new(&mut Diagnostics::new()));
    value.as_ref().and_then(Evaluated::text)
}

/// Calls `visit` for each value in the properties of resources and in outputs.
fn for_each_value(template: &Template, visit: &mut impl FnMut(&Json)) {
    fn visit_all(json: &Json, visit: &mut impl FnMut(&Json)) {
        visit(json);
        match json {
            Json::Array(items) => items.iter().for_each(|item| visit_all(item, visit)),
            Json::Object(entries) => entries.values().for_each(|value| visit_all(value, visit)),
            _ => {}
        }
    }
    for resource in template.resources.values() {
        visit_all(&resource.properties, visit);
    }
    for output in template.outputs.values() {
        visit_all(&output.value, visit);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn links(name: &str, text: &str) -> StackLinks {
        let template = Template::from_text(text).expect("a template");
        let input = StackInput {
            name,
            template: &template,
            parameters: &BTreeMap::new(),
        };
        StackLinks::of(input, &StackEnvironment::default())
    }

    #[test]
    fn links_are_named_by_what_cloudformation_would_evaluate() {
        let base = links(
            "base",
            "
Resources:
  Cluster: {Type: AWS::ECS::Cluster}
  Ns: {Type: AWS::ServiceDiscovery::HttpNamespace, Properties: {Name: !Sub '${AWS::StackName}.internal'}}
  Mesh: {Type: AWS::AppMesh::Mesh, Properties: {MeshName: shop}}
  Host: {Type: AWS::SSM::Parameter, Properties: {Name: /db/host, Type: String, Value: db}}
Outputs:
  Cluster: {Value: !Ref Cluster, Export: {Name: !Sub '${AWS::StackName}-Cluster'}}
",
        );
        let app = links(
            "app",
            "
Parameters:
  Base: {Type: String, Default: base}
  Host: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /db/host}
Resources:
  Node: {Type: AWS::AppMesh::VirtualNode, Properties: {MeshName: shop, Spec: {}}}
  Own: {Type: AWS::ServiceDiscovery::HttpNamespace, Properties: {Name: own}}
  Service:
    Type: AWS::ECS::Service
    Properties:
      Cluster: !ImportValue {'Fn::Sub': '${Base}-Cluster'}
      ServiceConnectConfiguration: {Enabled: true, Namespace: own}
",
        );
        let wanted: Vec<&Link> = app.wants.iter().collect();
        let expected = [
            Link::Export("base-Cluster".to_owned()),
            Link::Parameter("/db/host".to_owned()),
            Link::Mesh("shop".to_owned()),
        ];
        assert_eq!(wanted, expected.iter().collect::<Vec<_>>());
        for link in &expected {
            assert!(base.provides.contains(link), "{link:?}");
        }
        assert_eq!(base.wants, BTreeSet::new());
    }
}
