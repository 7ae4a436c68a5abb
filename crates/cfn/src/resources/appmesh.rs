//! App Mesh: the seven kinds of resource.
//!
//! A spec is a document in CloudFormation's spelling. Its shape is the model's,
//! [`mesh_model::app_mesh`], which reads, judges and writes it; here it may hold late values.
//!
//! App Mesh itself was switched off on 2026-09-30. These resources remain for templates that people have and for
//! environments that emulate App Mesh; see `mesh_infra::MeshEncoding`.
//!
//! `Ref` answers a resource's ARN. `Fn::GetAtt` knows `Arn`, `Uid`, `MeshOwner`, `ResourceOwner`, `MeshName`, and the
//! resource's other names, under the same words as the properties: `VirtualNodeName`, `VirtualRouterName`, ….

use mesh_model::app_mesh::Kind;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::ResourceType;
use crate::value::Value;

/// `AWS::AppMesh::Mesh`: what contains all others.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Mesh {
    /// The name, 1 to 255 characters. Default, decided by CloudFormation: stack name, logical id and a random part.
    /// Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mesh_name: Option<Value<String>>,
    /// A [`MeshSpec`](mesh_model::app_mesh::MeshSpec) in CloudFormation's spelling. Default: an empty one.
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

/// The resources that a mesh contains: the same properties, but for the names.
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
                    /// The name of what contains it, in the same mesh. Replaced when changed. Required.
                    pub $parent: Value<String>,
                )?
                /// Its own name. Default, decided by CloudFormation: stack name, logical id and a random part; a
                /// virtual service has none, and its name is required. Replaced when changed.
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $name: Option<Value<String>>,
                /// What it does, in CloudFormation's spelling. Required.
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
    /// `AWS::AppMesh::VirtualNode`: a group of equal tasks. Its spec is a
    /// [`VirtualNodeSpec`](mesh_model::app_mesh::VirtualNodeSpec).
    VirtualNode, "AWS::AppMesh::VirtualNode" { virtual_node_name }

    /// `AWS::AppMesh::VirtualRouter`: a place where routes divide traffic. Its spec is a
    /// [`VirtualRouterSpec`](mesh_model::app_mesh::VirtualRouterSpec).
    VirtualRouter, "AWS::AppMesh::VirtualRouter" { virtual_router_name }

    /// `AWS::AppMesh::Route`: which requests of a virtual router go where. Its spec is a
    /// [`RouteSpec`](mesh_model::app_mesh::RouteSpec).
    Route, "AWS::AppMesh::Route" { route_name in virtual_router_name }

    /// `AWS::AppMesh::VirtualService`: a name that applications call. Its spec is a
    /// [`VirtualServiceSpec`](mesh_model::app_mesh::VirtualServiceSpec).
    VirtualService, "AWS::AppMesh::VirtualService" { virtual_service_name }

    /// `AWS::AppMesh::VirtualGateway`: a door into the mesh. Its spec is a
    /// [`VirtualGatewaySpec`](mesh_model::app_mesh::VirtualGatewaySpec).
    VirtualGateway, "AWS::AppMesh::VirtualGateway" { virtual_gateway_name }

    /// `AWS::AppMesh::GatewayRoute`: which requests at a virtual gateway go to which virtual service. Its spec is a
    /// [`GatewayRouteSpec`](mesh_model::app_mesh::GatewayRouteSpec).
    GatewayRoute, "AWS::AppMesh::GatewayRoute" { gateway_route_name in virtual_gateway_name }
}

/// The kind of a resource by its type, such as `AWS::AppMesh::Route`; `None` for a type that is not App Mesh's.
#[must_use]
pub fn kind_of(resource_type: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| kind.resource_type() == resource_type)
}

/// The properties that name a resource of this kind: its mesh, what contains it, itself. A mesh has its own name alone.
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
    fn kinds_are_told_by_their_types() {
        assert_eq!(kind_of(Route::KIND), Some(Kind::Route));
        assert_eq!(kind_of(GatewayRoute::KIND), Some(Kind::GatewayRoute));
        assert_eq!(kind_of("AWS::AppMesh::Router"), None);
    }

    #[test]
    fn names_stand_where_cloudformation_wants_them() {
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
