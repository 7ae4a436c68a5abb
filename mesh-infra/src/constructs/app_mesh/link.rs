//! Names in a spec become attributes of the resources that have these names, so that CloudFormation creates what is
//! named before what names it.
//!
//! Backends stay names: services that call each other would be a circle, which CloudFormation refuses.

use mesh_model::app_mesh::{Kind, ResourcePath, Spec, Spelling};
use serde_json::Value as Json;

use super::place::own_name_property;
use crate::stack::Scope;
use crate::value::Value;

/// The kinds of route that a spec can hold, as CloudFormation writes them.
const ROUTES: [&str; 4] = ["HttpRoute", "Http2Route", "GrpcRoute", "TcpRoute"];

/// The spec as CloudFormation writes it. A name that no resource of this stack has yet is left as it is.
pub(super) fn linked<S: Spec>(spec: &S, mesh: &str, scope: &Scope<'_>) -> Json {
    let mut document = spec.write(Spelling::CloudFormation);
    let link = |name: Option<&mut Json>, kind: Kind| {
        let Some(Json::String(known)) = name.as_deref() else {
            return;
        };
        if let Some(id) = scope.mesh_resource(&ResourcePath::new(mesh, kind, known)) {
            let attribute = Value::<String>::attribute(id, own_name_property(kind)).to_json();
            if let Some(name) = name {
                *name = attribute;
            }
        }
    };
    match S::KIND {
        Kind::VirtualService => {
            let node = document.pointer_mut("/Provider/VirtualNode/VirtualNodeName");
            link(node, Kind::VirtualNode);
            let router = document.pointer_mut("/Provider/VirtualRouter/VirtualRouterName");
            link(router, Kind::VirtualRouter);
        }
        Kind::Route => {
            for route in ROUTES {
                let targets = document.pointer_mut(&format!("/{route}/Action/WeightedTargets"));
                let targets = targets.and_then(Json::as_array_mut).into_iter().flatten();
                targets.for_each(|target| link(target.get_mut("VirtualNode"), Kind::VirtualNode));
            }
        }
        Kind::GatewayRoute => {
            for route in ROUTES {
                let path = format!("/{route}/Action/Target/VirtualService/VirtualServiceName");
                link(document.pointer_mut(&path), Kind::VirtualService);
            }
        }
        Kind::Mesh | Kind::VirtualNode | Kind::VirtualRouter | Kind::VirtualGateway => {}
    }
    document
}
