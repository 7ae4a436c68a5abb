//! App Mesh. A spec is plain JSON, which `mesh_model::app_mesh` reads, validates and writes.

use super::{Module, structs};

pub(super) const MODULE: Module = Module {
    name: "appmesh",
    hand_written: &[],
    structs: structs! {
        /// Contains all other resources.
        Mesh = "AWS::AppMesh::Mesh", new(MeshName, Spec) {
            /// The name, 1 to 255 characters. Default, decided by CloudFormation: stack name, logical id and a random
            /// part.
            MeshName,
            /// A [`MeshSpec`](mesh_model::app_mesh::MeshSpec) in CloudFormation's key casing. Default: an empty one.
            Spec,
        }

        /// A group of identical tasks.
        VirtualNode = "AWS::AppMesh::VirtualNode", new(MeshName, VirtualNodeName, Spec) {
            /// The mesh's name.
            MeshName,
            /// The account of the mesh's owner, 12 digits. Default, decided by App Mesh: this account.
            MeshOwner,
            /// The name. Default, decided by CloudFormation: stack name, logical id and a random part.
            VirtualNodeName,
            /// A [`VirtualNodeSpec`](mesh_model::app_mesh::VirtualNodeSpec) in CloudFormation's key casing.
            Spec,
        }

        /// Divides traffic by its routes.
        VirtualRouter = "AWS::AppMesh::VirtualRouter", new(MeshName, VirtualRouterName, Spec) {
            /// The mesh's name.
            MeshName,
            /// The account of the mesh's owner, 12 digits. Default, decided by App Mesh: this account.
            MeshOwner,
            /// The name. Default, decided by CloudFormation: stack name, logical id and a random part.
            VirtualRouterName,
            /// A [`VirtualRouterSpec`](mesh_model::app_mesh::VirtualRouterSpec) in CloudFormation's key casing.
            Spec,
        }

        /// Matches requests of a virtual router and sets their targets.
        Route = "AWS::AppMesh::Route", new(MeshName, VirtualRouterName, RouteName, Spec) {
            /// The mesh's name.
            MeshName,
            /// The account of the mesh's owner, 12 digits. Default, decided by App Mesh: this account.
            MeshOwner,
            /// The name of its virtual router in the same mesh.
            VirtualRouterName,
            /// The name. Default, decided by CloudFormation: stack name, logical id and a random part.
            RouteName,
            /// A [`RouteSpec`](mesh_model::app_mesh::RouteSpec) in CloudFormation's key casing.
            Spec,
        }

        /// A name that applications send requests to.
        VirtualService = "AWS::AppMesh::VirtualService", new(MeshName, VirtualServiceName, Spec) {
            /// The mesh's name.
            MeshName,
            /// The account of the mesh's owner, 12 digits. Default, decided by App Mesh: this account.
            MeshOwner,
            /// The name.
            VirtualServiceName,
            /// A [`VirtualServiceSpec`](mesh_model::app_mesh::VirtualServiceSpec) in CloudFormation's key casing.
            Spec,
        }

        /// An ingress to the mesh.
        VirtualGateway = "AWS::AppMesh::VirtualGateway", new(MeshName, VirtualGatewayName, Spec) {
            /// The mesh's name.
            MeshName,
            /// The account of the mesh's owner, 12 digits. Default, decided by App Mesh: this account.
            MeshOwner,
            /// The name. Default, decided by CloudFormation: stack name, logical id and a random part.
            VirtualGatewayName,
            /// A [`VirtualGatewaySpec`](mesh_model::app_mesh::VirtualGatewaySpec) in CloudFormation's key casing.
            Spec,
        }

        /// Sends requests of a virtual gateway to a virtual service.
        GatewayRoute = "AWS::AppMesh::GatewayRoute", new(MeshName, VirtualGatewayName, GatewayRouteName, Spec) {
            /// The mesh's name.
            MeshName,
            /// The account of the mesh's owner, 12 digits. Default, decided by App Mesh: this account.
            MeshOwner,
            /// The name of its virtual gateway in the same mesh.
            VirtualGatewayName,
            /// The name. Default, decided by CloudFormation: stack name, logical id and a random part.
            GatewayRouteName,
            /// A [`GatewayRouteSpec`](mesh_model::app_mesh::GatewayRouteSpec) in CloudFormation's key casing.
            Spec,
        }
    },
};
