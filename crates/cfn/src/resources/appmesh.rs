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

use mesh_model::app_mesh::Kind;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::ResourceType;
use crate::value::Value;

/// `AWS::AppMesh::Mesh`: contains all other resources.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Mesh {
    /// The name, 1 to 255 characters. Default, decided by CloudFormation: stack name, logical id and a random part.
    /// Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mesh_name: Option<Value<String>>,
    /// A [`MeshSpec`](mesh_model::app_mesh::MeshSpec) in CloudFormation's key casing. Default: an empty one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<Json>,
    /// Properties without a field here, `Tags` for instance.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl Mesh {
    /// A mesh of this name.
    pub fn new(name: impl Into<Value<String>>, spec: Json) -> Self {
        Self {
            mesh_name: Some(name.into()),
            spec: Some(spec),
            other: Map::new(),
        }
    }
}

impl ResourceType for Mesh {
    const KIND: &'static str = "AWS::AppMesh::Mesh";
}

/// The resources of a mesh. They differ in their names only.
macro_rules! contained {
    ($($(#[$doc:meta])* $resource:ident, $kind:literal { $name:ident $(in $parent:ident)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
            #[serde(rename_all = "PascalCase")]
            pub struct $resource {
                /// The mesh's name. Replaced when changed. Required.
                pub mesh_name: Value<String>,
                /// The account of the mesh's owner, 12 digits. Default, decided by App Mesh: this account.
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub mesh_owner: Option<Value<String>>,
                $(
                    /// The name of its parent in the same mesh. Replaced when changed. Required.
                    pub $parent: Value<String>,
                )?
                /// Its own name. Default, decided by CloudFormation: stack name, logical id and a random part; a
                /// virtual service has none, and its name is required. Replaced when changed.
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $name: Option<Value<String>>,
                /// The spec, in CloudFormation's key casing. Required.
                pub spec: Json,
                /// Properties without a field here, `Tags` for instance.
                #[serde(flatten)]
                pub other: Map<String, Json>,
            }

            impl $resource {
                /// A resource of this name, in the mesh of this account.
                pub fn new(
                    mesh_name: impl Into<Value<String>>,
                    $($parent: impl Into<Value<String>>,)?
                    name: impl Into<Value<String>>,
                    spec: Json,
                ) -> Self {
                    Self {
                        mesh_name: mesh_name.into(),
                        mesh_owner: None,
                        $($parent: $parent.into(),)?
                        $name: Some(name.into()),
                        spec,
                        other: Map::new(),
                    }
                }
            }

            impl ResourceType for $resource {
                const KIND: &'static str = $kind;
            }
        )*
    };
}

contained! {
    /// `AWS::AppMesh::VirtualNode`: a group of identical tasks. Its spec is a
    /// [`VirtualNodeSpec`](mesh_model::app_mesh::VirtualNodeSpec).
    VirtualNode, "AWS::AppMesh::VirtualNode" { virtual_node_name }

    /// `AWS::AppMesh::VirtualRouter`: divides traffic by its routes. Its spec is a
    /// [`VirtualRouterSpec`](mesh_model::app_mesh::VirtualRouterSpec).
    VirtualRouter, "AWS::AppMesh::VirtualRouter" { virtual_router_name }

    /// `AWS::AppMesh::Route`: matches requests of a virtual router and sets their targets. Its spec is a
    /// [`RouteSpec`](mesh_model::app_mesh::RouteSpec).
    Route, "AWS::AppMesh::Route" { route_name in virtual_router_name }

    /// `AWS::AppMesh::VirtualService`: a name that applications send requests to. Its spec is a
    /// [`VirtualServiceSpec`](mesh_model::app_mesh::VirtualServiceSpec).
    VirtualService, "AWS::AppMesh::VirtualService" { virtual_service_name }

    /// `AWS::AppMesh::VirtualGateway`: an ingress to the mesh. Its spec is a
    /// [`VirtualGatewaySpec`](mesh_model::app_mesh::VirtualGatewaySpec).
    VirtualGateway, "AWS::AppMesh::VirtualGateway" { virtual_gateway_name }

    /// `AWS::AppMesh::GatewayRoute`: sends requests of a virtual gateway to a virtual service. Its spec is a
    /// [`GatewayRouteSpec`](mesh_model::app_mesh::GatewayRouteSpec).
    GatewayRoute, "AWS::AppMesh::GatewayRoute" { gateway_route_name in virtual_gateway_name }
}

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
