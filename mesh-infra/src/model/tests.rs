//! The model of one template and of several evaluated stacks.

use mesh_model::app_mesh::{Kind, ResourcePath};
use serde_json::{Value as Json, json};

use super::*;

fn template(resources: Json) -> Template {
    Template::from_json(&json!({ "Resources": resources }).to_string()).expect("a template")
}

/// The resources of a stack as if their properties were evaluated.
fn evaluated<'t>(stack: &str, template: &'t Template) -> Vec<InputResource<'t>> {
    let resources = template.resources.iter();
    let resources = resources.map(|(id, declared)| {
        let path = format!("{stack}/Resources.{id}");
        InputResource::new(id, declared, path, declared.properties.clone())
    });
    resources.collect()
}

fn service(cluster: Json, task_definition: Json) -> Json {
    let configuration = json!({"Enabled": true});
    let properties =
        json!({"Cluster": cluster, "TaskDefinition": task_definition, "ServiceConnectConfiguration": configuration});
    json!({"Type": "AWS::ECS::Service", "Properties": properties})
}

fn node(mesh: &str, name: &str) -> Json {
    json!({"Type": "AWS::AppMesh::VirtualNode", "Properties": {"MeshName": mesh, "VirtualNodeName": name, "Spec": {}}})
}

#[test]
fn references_within_a_template_are_logical_ids() {
    let namespace = json!({"Namespace": {"Fn::GetAtt": ["Namespace", "Arn"]}});
    let template = template(json!({
        "Namespace": {"Type": "AWS::ServiceDiscovery::HttpNamespace", "Properties": {"Name": "sc"}},
        "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {"ServiceConnectDefaults": namespace}},
        "Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": []}},
        "Service": service(json!({"Ref": "Cluster"}), json!({"Ref": "Task"}))
    }));
    let model = TemplateModel::new(&template);
    let view = model.services().next().expect("a service");
    let task_definition = view.task_definition.expect("a task definition");
    assert_eq!(task_definition.resource.logical_id, "Task");
    assert_eq!(view.namespace_identity().expect("a namespace").label, "sc");
}

#[test]
fn references_between_stacks_are_identifiers() {
    let base = template(json!({
        "Namespace": {"Type": "AWS::ServiceDiscovery::HttpNamespace", "Properties": {"Name": "sc"}},
        "Shared": {"Type": "AWS::ECS::Cluster", "Properties": {"ServiceConnectDefaults": {"Namespace": "ns-1"}}}
    }));
    let app = template(json!({
        "Shared": {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": []}},
        "Service": service(json!("shared"), json!("arn:task"))
    }));
    let mut resources = evaluated("base", &base);
    resources[0].identifiers.push("ns-1".to_owned());
    resources[1].identifiers.push("shared".to_owned());
    resources.extend(evaluated("app", &app));
    resources[2].identifiers.push("arn:task".to_owned());
    let model = TemplateModel::of_stacks(resources);
    let view = model.services().next().expect("a service");
    assert_eq!(view.resource.qualified_id(), "app/Service");
    assert_eq!(
        view.cluster().expect("a cluster").resource.path,
        "base/Resources.Shared"
    );
    let task_definition = view.task_definition.expect("a task definition");
    assert_eq!(task_definition.resource.path, "app/Resources.Shared");
    let NamespaceReference::To(namespace) = view.namespace() else {
        panic!("{:?}", view.namespace());
    };
    let namespace = model.namespace(&namespace).expect("a namespace");
    assert_eq!(namespace.name, Some("sc"));
}

#[test]
fn only_all_stacks_lack_resources_of_a_mesh_that_they_do_not_contain() {
    let template = template(json!({"Blue": node("demo", "blue")}));
    let green = ResourcePath::new("demo", Kind::VirtualNode, "green");
    let model = TemplateModel::new(&template);
    assert!(!model.lacks(&green));
    assert!(model.mesh_errors().is_empty());

    let model = TemplateModel::of_stacks(evaluated("app", &template));
    assert!(model.lacks(&green));
    assert_eq!(
        model.mesh_errors().to_string(),
        "app/Resources.Blue.Properties.Spec: is in the mesh `demo`, which does not exist"
    );
}

#[test]
fn an_unknown_spec_hides_only_its_own_errors() {
    let listeners = json!([{"PortMapping": {"Port": {"Fn::Unknown": null}, "Protocol": "htpp"}}]);
    let mut blue = node("demo", "blue");
    blue["Properties"]["Spec"] = json!({ "Listeners": listeners });
    let mesh = json!({"Type": "AWS::AppMesh::Mesh", "Properties": {"MeshName": "demo"}});
    let template = template(json!({"Mesh": mesh, "Blue": blue}));
    assert!(TemplateModel::new(&template).mesh_errors().is_empty());

    let model = TemplateModel::of_stacks(evaluated("app", &template));
    let errors = model.mesh_errors().to_string();
    let path = "app/Resources.Blue.Properties.Spec.Listeners[0].PortMapping.Protocol: is \"htpp\"";
    assert!(errors.starts_with(path) && errors.lines().count() == 1, "{errors}");
    assert!(model.topologies().is_empty());
}
