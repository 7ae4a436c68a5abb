//! Virtual nodes that share the traffic of a route, or get its mirrored requests: those whose calls are counted for canary
//! analysis. Pure.

use std::collections::BTreeMap;

use mesh_control::egress_clusters;
use mesh_model::app_mesh::Topology;

/// The virtual nodes of a mesh that are targets of a route with several targets and mirrors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SplitNodes(BTreeMap<String, SplitNode>);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SplitNode {
    /// Its clusters at callers.
    pub(crate) clusters: Vec<String>,
    /// Whether it and another target of the same route get requests, mirrored ones included.
    pub(crate) is_shifting: bool,
}

impl SplitNodes {
    pub(crate) fn of(mesh: &Topology) -> Self {
        let mut nodes: BTreeMap<String, SplitNode> = BTreeMap::new();
        for route in mesh.virtual_routers.values().flat_map(|router| router.routes.values()) {
            let mut weights: BTreeMap<&String, u32> = BTreeMap::new();
            for target in route.targets() {
                *weights.entry(&target.virtual_node).or_default() += target.weight;
            }
            for mirror in route.mirrors() {
                *weights.entry(&mirror.virtual_node).or_default() += mirror.percentage;
            }
            if weights.len() < 2 {
                continue;
            }
            let is_shifting = weights.values().filter(|weight| **weight > 0).count() > 1;
            for (name, weight) in weights {
                let node = nodes.entry(name.clone()).or_insert_with(|| SplitNode {
                    clusters: egress_clusters(mesh, name),
                    is_shifting: false,
                });
                node.is_shifting |= is_shifting && weight > 0;
            }
        }
        Self(nodes)
    }

    /// Whether requests of a route go to several virtual nodes now.
    pub(crate) fn is_shifting(&self) -> bool {
        self.0.values().any(|node| node.is_shifting)
    }

    pub(crate) fn clusters(&self) -> impl Iterator<Item = &String> {
        self.0.values().flat_map(|node| &node.clusters)
    }

    /// The nodes by name; first those of routes whose traffic is divided now.
    pub(crate) fn by_importance(&self) -> Vec<(&String, &SplitNode)> {
        let mut nodes: Vec<_> = self.0.iter().collect();
        nodes.sort_by_key(|(name, node)| (!node.is_shifting, *name));
        nodes
    }
}

#[cfg(test)]
mod tests {
    use mesh_model::app_mesh::{RouteSpec, VirtualNodeSpec, topology::VirtualRouter};
    use serde_json::json;

    use super::*;

    fn mesh(routes: &[&[(&str, u32)]]) -> Topology {
        let mut mesh = Topology {
            name: "demo".to_owned(),
            ..Topology::default()
        };
        let mut router = VirtualRouter::default();
        for (index, targets) in routes.iter().enumerate() {
            let targets: Vec<_> = targets
                .iter()
                .map(|(node, weight)| json!({"virtualNode": node, "weight": weight}))
                .collect();
            let route = json!({"httpRoute": {"match": {"prefix": "/"}, "action": {"weightedTargets": targets}}});
            let route: RouteSpec = serde_json::from_value(route).expect("a route");
            for target in route.targets() {
                let node = json!({"listeners": [{"portMapping": {"port": 80, "protocol": "http"}}]});
                let node: VirtualNodeSpec = serde_json::from_value(node).expect("a node");
                mesh.virtual_nodes.insert(target.virtual_node.clone(), node);
            }
            router.routes.insert(format!("route{index}"), route);
        }
        mesh.virtual_routers.insert("router".to_owned(), router);
        mesh
    }

    #[test]
    fn targets_of_routes_with_several_targets_are_counted() {
        let split = SplitNodes::of(&mesh(&[&[("alone", 1)], &[("blue", 1), ("green", 0)]]));
        let names: Vec<_> = split
            .by_importance()
            .into_iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(names, ["blue", "green"]);
        assert!(!split.is_shifting());
        let clusters: Vec<_> = split.clusters().map(String::as_str).collect();
        assert_eq!(
            clusters,
            ["cds_egress_demo_blue_http_80", "cds_egress_demo_green_http_80"]
        );
    }

    #[test]
    fn nodes_with_divided_traffic_come_first() {
        let split = SplitNodes::of(&mesh(&[&[("a", 1), ("b", 0)], &[("x", 90), ("y", 10), ("z", 0)]]));
        let names: Vec<_> = split
            .by_importance()
            .into_iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(names, ["x", "y", "a", "b", "z"]);
        assert!(split.is_shifting());
        let mut mirrored = mesh(&[&[("blue", 100), ("green", 0)]]);
        let router = mirrored.virtual_routers.get_mut("router").expect("a router");
        let route = router.routes.get_mut("route0").expect("a route");
        let mut changed = serde_json::to_value(&*route).expect("JSON");
        changed["httpRoute"]["mirrors"] = json!([{"virtualNode": "green", "percentage": 10}]);
        *route = serde_json::from_value(changed).expect("a route");
        assert!(SplitNodes::of(&mirrored).is_shifting(), "mirrored requests");
        let twice = SplitNodes::of(&mesh(&[&[("a", 1), ("a", 1)]]));
        assert_eq!(twice, SplitNodes::default(), "one virtual node");
    }
}
