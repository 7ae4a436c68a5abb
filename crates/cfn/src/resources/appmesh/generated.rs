//! Generated from the CloudFormation resource schemas of 2026-10-20 in cfn-lint by `cargo run -p xtask -- generate`.
//! Do not edit.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::ResourceType;
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
    /// Properties without a field here: `Tags`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl Mesh {
    /// With these properties, and no others.
    pub fn new(mesh_name: impl Into<Value<String>>, spec: Json) -> Self {
        Self {
            mesh_name: Some(mesh_name.into()),
            spec: Some(spec),
            other: Map::new(),
        }
    }
}

impl ResourceType for Mesh {
    const KIND: &'static str = "AWS::AppMesh::Mesh";
}

/// `AWS::AppMesh::VirtualNode`: a group of identical tasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VirtualNode {
    /// The mesh's name. Replaced when changed. Required.
    pub mesh_name: Value<String>,
    /// The account of the mesh's owner, 12 digits. Default, decided by App Mesh: this account. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mesh_owner: Option<Value<String>>,
    /// The name. Default, decided by CloudFormation: stack name, logical id and a random part. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_node_name: Option<Value<String>>,
    /// A [`VirtualNodeSpec`](mesh_model::app_mesh::VirtualNodeSpec) in CloudFormation's key casing. Required.
    pub spec: Json,
    /// Properties without a field here: `Tags`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl VirtualNode {
    /// With these properties, and no others.
    pub fn new(mesh_name: impl Into<Value<String>>, virtual_node_name: impl Into<Value<String>>, spec: Json) -> Self {
        Self {
            mesh_name: mesh_name.into(),
            mesh_owner: None,
            virtual_node_name: Some(virtual_node_name.into()),
            spec,
            other: Map::new(),
        }
    }
}

impl ResourceType for VirtualNode {
    const KIND: &'static str = "AWS::AppMesh::VirtualNode";
}

/// `AWS::AppMesh::VirtualRouter`: divides traffic by its routes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VirtualRouter {
    /// The mesh's name. Replaced when changed. Required.
    pub mesh_name: Value<String>,
    /// The account of the mesh's owner, 12 digits. Default, decided by App Mesh: this account. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mesh_owner: Option<Value<String>>,
    /// The name. Default, decided by CloudFormation: stack name, logical id and a random part. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_router_name: Option<Value<String>>,
    /// A [`VirtualRouterSpec`](mesh_model::app_mesh::VirtualRouterSpec) in CloudFormation's key casing. Required.
    pub spec: Json,
    /// Properties without a field here: `Tags`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl VirtualRouter {
    /// With these properties, and no others.
    pub fn new(mesh_name: impl Into<Value<String>>, virtual_router_name: impl Into<Value<String>>, spec: Json) -> Self {
        Self {
            mesh_name: mesh_name.into(),
            mesh_owner: None,
            virtual_router_name: Some(virtual_router_name.into()),
            spec,
            other: Map::new(),
        }
    }
}

impl ResourceType for VirtualRouter {
    const KIND: &'static str = "AWS::AppMesh::VirtualRouter";
}

/// `AWS::AppMesh::Route`: matches requests of a virtual router and sets their targets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Route {
    /// The mesh's name. Replaced when changed. Required.
    pub mesh_name: Value<String>,
    /// The account of the mesh's owner, 12 digits. Default, decided by App Mesh: this account. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mesh_owner: Option<Value<String>>,
    /// The name of its virtual router in the same mesh. Replaced when changed. Required.
    pub virtual_router_name: Value<String>,
    /// The name. Default, decided by CloudFormation: stack name, logical id and a random part. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route_name: Option<Value<String>>,
    /// A [`RouteSpec`](mesh_model::app_mesh::RouteSpec) in CloudFormation's key casing. Required.
    pub spec: Json,
    /// Properties without a field here: `Tags`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl Route {
    /// With these properties, and no others.
    pub fn new(
        mesh_name: impl Into<Value<String>>,
        virtual_router_name: impl Into<Value<String>>,
        route_name: impl Into<Value<String>>,
        spec: Json,
    ) -> Self {
        Self {
            mesh_name: mesh_name.into(),
            mesh_owner: None,
            virtual_router_name: virtual_router_name.into(),
            route_name: Some(route_name.into()),
            spec,
            other: Map::new(),
        }
    }
}

impl ResourceType for Route {
    const KIND: &'static str = "AWS::AppMesh::Route";
}

/// `AWS::AppMesh::VirtualService`: a name that applications send requests to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VirtualService {
    /// The mesh's name. Replaced when changed. Required.
    pub mesh_name: Value<String>,
    /// The account of the mesh's owner, 12 digits. Default, decided by App Mesh: this account. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mesh_owner: Option<Value<String>>,
    /// The name. Replaced when changed. Required.
    pub virtual_service_name: Value<String>,
    /// A [`VirtualServiceSpec`](mesh_model::app_mesh::VirtualServiceSpec) in CloudFormation's key casing. Required.
    pub spec: Json,
    /// Properties without a field here: `Tags`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl VirtualService {
    /// With these properties, and no others.
    pub fn new(
        mesh_name: impl Into<Value<String>>,
        virtual_service_name: impl Into<Value<String>>,
        spec: Json,
    ) -> Self {
        Self {
            mesh_name: mesh_name.into(),
            mesh_owner: None,
            virtual_service_name: virtual_service_name.into(),
            spec,
            other: Map::new(),
        }
    }
}

impl ResourceType for VirtualService {
    const KIND: &'static str = "AWS::AppMesh::VirtualService";
}

/// `AWS::AppMesh::VirtualGateway`: an ingress to the mesh.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VirtualGateway {
    /// The mesh's name. Replaced when changed. Required.
    pub mesh_name: Value<String>,
    /// The account of the mesh's owner, 12 digits. Default, decided by App Mesh: this account. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mesh_owner: Option<Value<String>>,
    /// The name. Default, decided by CloudFormation: stack name, logical id and a random part. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_gateway_name: Option<Value<String>>,
    /// A [`VirtualGatewaySpec`](mesh_model::app_mesh::VirtualGatewaySpec) in CloudFormation's key casing. Required.
    pub spec: Json,
    /// Properties without a field here: `Tags`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl VirtualGateway {
    /// With these properties, and no others.
    pub fn new(
        mesh_name: impl Into<Value<String>>,
        virtual_gateway_name: impl Into<Value<String>>,
        spec: Json,
    ) -> Self {
        Self {
            mesh_name: mesh_name.into(),
            mesh_owner: None,
            virtual_gateway_name: Some(virtual_gateway_name.into()),
            spec,
            other: Map::new(),
        }
    }
}

impl ResourceType for VirtualGateway {
    const KIND: &'static str = "AWS::AppMesh::VirtualGateway";
}

/// `AWS::AppMesh::GatewayRoute`: sends requests of a virtual gateway to a virtual service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GatewayRoute {
    /// The mesh's name. Replaced when changed. Required.
    pub mesh_name: Value<String>,
    /// The account of the mesh's owner, 12 digits. Default, decided by App Mesh: this account. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mesh_owner: Option<Value<String>>,
    /// The name of its virtual gateway in the same mesh. Replaced when changed. Required.
    pub virtual_gateway_name: Value<String>,
    /// The name. Default, decided by CloudFormation: stack name, logical id and a random part. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_route_name: Option<Value<String>>,
    /// A [`GatewayRouteSpec`](mesh_model::app_mesh::GatewayRouteSpec) in CloudFormation's key casing. Required.
    pub spec: Json,
    /// Properties without a field here: `Tags`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl GatewayRoute {
    /// With these properties, and no others.
    pub fn new(
        mesh_name: impl Into<Value<String>>,
        virtual_gateway_name: impl Into<Value<String>>,
        gateway_route_name: impl Into<Value<String>>,
        spec: Json,
    ) -> Self {
        Self {
            mesh_name: mesh_name.into(),
            mesh_owner: None,
            virtual_gateway_name: virtual_gateway_name.into(),
            gateway_route_name: Some(gateway_route_name.into()),
            spec,
            other: Map::new(),
        }
    }
}

impl ResourceType for GatewayRoute {
    const KIND: &'static str = "AWS::AppMesh::GatewayRoute";
}
