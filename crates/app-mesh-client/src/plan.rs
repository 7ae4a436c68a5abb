//! What to change on a server so that it has the meshes of a source, in the order that references need. Pure.

use std::collections::{BTreeMap, BTreeSet};

use app_mesh_migrate::{MeshDocument, Meshes};
use mesh_model::app_mesh::listener::Listener;
use mesh_model::app_mesh::{Kind, ResourcePath, ResourceSpec};

/// What happens to resources that the source does not have, in meshes that it has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Extra {
    /// They are left alone.
    #[default]
    Keep,
    /// They are deleted.
    Delete,
}

/// The change of one resource.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// It does not exist.
    Create(MeshDocument),
    /// It has another spec.
    Update(ResourceSpec),
    /// It has other tags.
    ChangeTags {
        /// Tags that are missing or have another value.
        set: BTreeMap<String, String>,
        /// Keys of tags that the source does not have.
        removed: BTreeSet<String>,
    },
    /// The source does not have it.
    Delete,
}

/// The changes of a server.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Plan {
    /// The changes, in order.
    pub steps: Vec<(ResourcePath, Action)>,
    /// Resources that are equal.
    pub unchanged: Vec<ResourcePath>,
    /// Resources that the source does not have, and that are left alone.
    pub kept: Vec<ResourcePath>,
}

impl Plan {
    /// The changes that make the meshes of `present` those of `source`.
    #[must_use]
    pub fn new(source: &Meshes, present: &Meshes, extra: Extra) -> Self {
        let mut plan = Self::default();
        let mut resources: Vec<(&ResourcePath, &MeshDocument)> = source.resources.iter().collect();
        resources.sort_by_key(|(path, _)| order(path.kind));
        for (path, document) in resources {
            let before = plan.steps.len();
            match present.resources.get(path) {
                None => plan.steps.push((path.clone(), Action::Create(document.clone()))),
                Some(present) => plan.compare(path, document, present),
            }
            if plan.steps.len() == before {
                plan.unchanged.push(path.clone());
            }
        }
        let meshes: BTreeSet<&String> = source.resources.keys().map(|path| &path.mesh).collect();
        let is_extra = |path: &&ResourcePath| meshes.contains(&path.mesh) && !source.resources.contains_key(path);
        let mut extras: Vec<ResourcePath> = present.resources.keys().filter(is_extra).cloned().collect();
        match extra {
            Extra::Keep => plan.kept = extras,
            Extra::Delete => {
                extras.sort_by_key(|path| std::cmp::Reverse(order(path.kind)));
                plan.steps.extend(extras.into_iter().map(|path| (path, Action::Delete)));
            }
        }
        plan
    }

    fn compare(&mut self, path: &ResourcePath, source: &MeshDocument, present: &MeshDocument) {
        if without_defaults(&source.spec) != without_defaults(&present.spec) {
            self.steps.push((path.clone(), Action::Update(source.spec.clone())));
        }
        if source.tags != present.tags {
            let is_new = |(key, value): &(&String, &String)| present.tags.get(*key) != Some(*value);
            let set = source.tags.iter().filter(is_new);
            let removed = present.tags.keys().filter(|key| !source.tags.contains_key(*key));
            let action = Action::ChangeTags {
                set: set.map(|(key, value)| (key.clone(), value.clone())).collect(),
                removed: removed.cloned().collect(),
            };
            self.steps.push((path.clone(), action));
        }
    }
}

/// What others refer to comes first. Virtual nodes refer to virtual services, too, but those need not exist.
fn order(kind: Kind) -> u8 {
    match kind {
        Kind::Mesh => 0,
        Kind::VirtualNode => 1,
        Kind::VirtualRouter => 2,
        Kind::Route => 3,
        Kind::VirtualService => 4,
        Kind::VirtualGateway => 5,
        Kind::GatewayRoute => 6,
    }
}

/// The spec without the ports of health checks: App Mesh fills them in, and allows the listener's only.
fn without_defaults(spec: &ResourceSpec) -> ResourceSpec {
    let mut spec = spec.clone();
    let listeners: &mut [Listener] = match &mut spec {
        ResourceSpec::VirtualNode(node) => &mut node.listeners,
        ResourceSpec::VirtualGateway(gateway) => &mut gateway.listeners,
        _ => &mut [],
    };
    for check in listeners
        .iter_mut()
        .filter_map(|listener| listener.health_check.as_mut())
    {
        check.port = None;
    }
    spec
}

#[cfg(test)]
mod tests {
    use mesh_model::app_mesh::KeyCasing;
    use serde_json::{Value as Json, json};

    use super::*;

    fn meshes(resources: &[(&str, Json)]) -> Meshes {
        let mut meshes = Meshes::default();
        for (path, spec) in resources {
            let path = ResourcePath::parse(path).expect("a path");
            let spec = ResourceSpec::read(path.kind, spec, KeyCasing::Camel, "").expect("a spec");
            meshes.resources.insert(path, MeshDocument::new(spec, BTreeMap::new()));
        }
        meshes
    }

    fn discovery() -> Json {
        json!({"dns": {"hostname": "n.m"}})
    }

    fn node(port: u16) -> Json {
        let mut node = listener(port);
        node["serviceDiscovery"] = discovery();
        node
    }

    /// A router or gateway.
    fn listener(port: u16) -> Json {
        json!({"listeners": [{"portMapping": {"port": port, "protocol": "http"}}]})
    }

    fn steps(plan: &Plan) -> Vec<String> {
        let verb = |action: &Action| match action {
            Action::Create(_) => "create",
            Action::Update(_) => "update",
            Action::ChangeTags { .. } => "tag",
            Action::Delete => "delete",
        };
        plan.steps
            .iter()
            .map(|(path, action)| format!("{} {path}", verb(action)))
            .collect()
    }

    fn whole() -> Meshes {
        let target = json!({"target": {"virtualService": {"virtualServiceName": "s"}}});
        meshes(&[
            (
                "mesh/m/virtualGateway/g/gatewayRoute/r",
                json!({"httpRoute": {"match": {"prefix": "/"}, "action": target}}),
            ),
            ("mesh/m/virtualGateway/g", listener(80)),
            (
                "mesh/m/virtualService/s",
                json!({"provider": {"virtualRouter": {"virtualRouterName": "v"}}}),
            ),
            (
                "mesh/m/virtualRouter/v/route/r",
                json!({"tcpRoute": {"action": {"weightedTargets": [{"virtualNode": "n", "weight": 1}]}}}),
            ),
            ("mesh/m/virtualRouter/v", listener(80)),
            ("mesh/m/virtualNode/n", json!({})),
            ("mesh/m", json!({})),
        ])
    }

    #[test]
    fn what_others_refer_to_is_created_first_and_deleted_last() {
        let mut plan = Plan::new(&whole(), &Meshes::default(), Extra::Delete);
        let created = steps(&plan);
        assert_eq!(
            created,
            [
                "create mesh/m",
                "create mesh/m/virtualNode/n",
                "create mesh/m/virtualRouter/v",
                "create mesh/m/virtualRouter/v/route/r",
                "create mesh/m/virtualService/s",
                "create mesh/m/virtualGateway/g",
                "create mesh/m/virtualGateway/g/gatewayRoute/r"
            ]
        );
        let only_mesh = meshes(&[("mesh/m", json!({}))]);
        plan = Plan::new(&only_mesh, &whole(), Extra::Delete);
        let deleted = created[1..].iter().rev().map(|step| step.replace("create", "delete"));
        assert_eq!(steps(&plan), deleted.collect::<Vec<_>>());
        plan = Plan::new(&only_mesh, &whole(), Extra::Keep);
        assert_eq!((plan.steps.len(), plan.kept.len()), (0, 6));
    }

    #[test]
    fn only_what_differs_is_changed() {
        assert_eq!(Plan::new(&whole(), &whole(), Extra::Delete).steps, []);
        let mut source = whole();
        let path = ResourcePath::parse("mesh/m/virtualNode/n").expect("a path");
        let document = source.resources.get_mut(&path).expect("the node");
        document.spec = ResourceSpec::read(Kind::VirtualNode, &node(81), KeyCasing::Camel, "").expect("a spec");
        document.tags = [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())].into();
        let mut present = whole();
        let tags = [("b".to_owned(), "3".to_owned()), ("c".to_owned(), "4".to_owned())].into();
        present.resources.get_mut(&path).expect("the node").tags = tags;
        let plan = Plan::new(&source, &present, Extra::Delete);
        assert_eq!(
            steps(&plan),
            ["update mesh/m/virtualNode/n", "tag mesh/m/virtualNode/n"]
        );
        let Action::ChangeTags { set, removed } = &plan.steps[1].1 else {
            panic!("{plan:?}")
        };
        assert_eq!(set.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(removed.iter().collect::<Vec<_>>(), ["c"]);
        assert_eq!(plan.unchanged.len(), 6);
    }

    #[test]
    fn the_port_of_a_health_check_is_the_listeners() {
        let node = |port: Json| {
            let mut check = json!({"protocol": "tcp", "healthyThreshold": 2, "unhealthyThreshold": 2,
                                   "timeoutMillis": 2000, "intervalMillis": 5000});
            if !port.is_null() {
                check["port"] = port;
            }
            let listener = json!({"portMapping": {"port": 80, "protocol": "http"}, "healthCheck": check});
            meshes(&[
                ("mesh/m", json!({})),
                (
                    "mesh/m/virtualNode/n",
                    json!({"listeners": [listener], "serviceDiscovery": discovery()}),
                ),
            ])
        };
        let plan = Plan::new(&node(Json::Null), &node(json!(80)), Extra::Keep);
        assert_eq!(plan.steps, []);
    }

    #[test]
    fn other_meshes_are_not_touched() {
        let source = meshes(&[("mesh/m", json!({}))]);
        let present = meshes(&[("mesh/other", json!({}))]);
        let plan = Plan::new(&source, &present, Extra::Delete);
        assert_eq!(steps(&plan), ["create mesh/m"]);
        assert_eq!(plan.kept, []);
    }
}
