//! App Mesh: meshes, virtual nodes, routers, services and gateways, and their routes.
//!
//! A spec is a JSON document in CloudFormation's key casing, which may contain expressions. [`mesh_model::app_mesh`]
//! reads, validates and writes it.
//!
//! App Mesh itself was switched off on 2026-09-30. These resources remain for existing templates and for environments
//! that emulate App Mesh.
//!
//! `Ref` returns a resource's ARN. `Fn::GetAtt` supports `Arn`, `Uid`, `MeshOwner`, `ResourceOwner`, `MeshName`, and the
//! resource's other names, as the properties: `VirtualNodeName`, `VirtualRouterName`, ….

mod generated;

use mesh_model::app_mesh::Kind;

pub use generated::*;

/// The App Mesh kind of a resource type, such as `AWS::AppMesh::Route`; `None` for other types.
#[must_use]
pub fn kind_of(resource_type: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| kind.resource_type() == resource_type)
}

/// The properties with the names of a resource of this kind: its mesh, its parent, its own.
#[must_use]
pub fn name_properties(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Mesh => &["MeshName"],
        Kind::VirtualNode => &["MeshName", "VirtualNodeName"],
        Kind::VirtualRouter => &["MeshName", "VirtualRouterName"],
        Kind::Route => &["MeshName", "VirtualRouterName", "RouteName"],
        Kind::VirtualService => &["MeshName", "VirtualServiceName"],
        Kind::VirtualGateway => &["MeshName", "VirtualGatewayName"],
        Kind::GatewayRoute => &["MeshName", "VirtualGatewayName", "GatewayRouteName"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ResourceType;
    use crate::value::Value;
    use serde_json::json;

    #[test]
    fn kinds_follow_from_resource_types() {
        assert_eq!(kind_of(Route::KIND), Some(Kind::Route));
        assert_eq!(kind_of(GatewayRoute::KIND), Some(Kind::GatewayRoute));
        assert_eq!(kind_of("AWS::AppMesh::Router"), None);
    }

    #[test]
    fn names_are_written_in_order() {
        let route = Route::new("demo", Value::attribute("R", "VirtualRouterName"), "all", json!({}));
        let written = serde_json::to_value(&route).expect("plain values");
        let keys: Vec<&str> = written
            .as_object()
            .expect("an object")
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(keys, ["MeshName", "VirtualRouterName", "RouteName", "Spec"]);
        for name in name_properties(Kind::Route) {
            assert!(written.get(name).is_some(), "{name}");
        }
    }
}
