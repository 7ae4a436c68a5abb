//! References between resources of a mesh: names in a spec become `Fn::GetAtt` of the named resource, so that
//! CloudFormation creates that resource first.
//!
//! Backends stay names: services that call each other would form a cycle, which CloudFormation rejects.

use cfn::Value;
use mesh_model::app_mesh::{KeyCasing, Kind, ResourcePath, Spec};
use serde_json::Value as Json;

use super::resource_ref::own_name_property;
use crate::stack::Scope;

/// The properties of a spec that can hold a route, as CloudFormation writes them.
const ROUTES: [&str; 4] = ["HttpRoute", "Http2Route", "GrpcRoute", "TcpRoute"];

/// Writes the spec for CloudFormation, names of resources of this stack replaced by `Fn::GetAtt`. Other names stay.
pub(super) fn to_get_att<S: Spec>(spec: &S, mesh: &str, scope: &Scope<'_>) -> Json {
    let mut document = spec.write(KeyCasing::Pascal);
    let replace = |name: Option<&mut Json>, kind: Kind| {
        if let Some(name) = name
            && let Json::String(known) = &*name
            && let Some(id) = scope.mesh_resource(&ResourcePath::new(mesh, kind, known))
        {
            *name = Value::<String>::attribute(id, own_name_property(kind)).to_json();
        }
    };
    match S::KIND {
        Kind::VirtualService => {
            let node = document.pointer_mut("/Provider/VirtualNode/VirtualNodeName");
            replace(node, Kind::VirtualNode);
            let router = document.pointer_mut("/Provider/VirtualRouter/VirtualRouterName");
            replace(router, Kind::VirtualRouter);
        }
        Kind::Route => {
            for route in ROUTES {
                for list in ["Action/WeightedTargets", "Mirrors"] {
                    let targets = document.pointer_mut(&format!("/{route}/{list}"));
                    let targets = targets.and_then(Json::as_array_mut).into_iter().flatten();
                    targets.for_each(|target| replace(target.get_mut("VirtualNode"), Kind::VirtualNode));
                }
            }
        }
        Kind::GatewayRoute => {
            for route in ROUTES {
                let path = format!("/{route}/Action/Target/VirtualService/VirtualServiceName");
                replace(document.pointer_mut(&path), Kind::VirtualService);
            }
        }
        Kind::Mesh | Kind::VirtualNode | Kind::VirtualRouter | Kind::VirtualGateway => {}
    }
    document
}
