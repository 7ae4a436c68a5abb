//! Meshes that App Mesh's API has: they arrive whole and valid, and wait for Cloud Map as those of Parameter Store do.

use std::collections::BTreeMap;
use std::sync::Arc;

use mesh_model::app_mesh::Topology;

use super::State;
use crate::discovery::{RequiredServices, Service};

/// A mesh of the API.
#[derive(Debug, Default)]
pub(super) struct ApiMesh {
    /// What is served to Envoys.
    pub(super) served: Option<Arc<Topology>>,
    /// What waits for Cloud Map.
    pub(super) next: Option<Arc<Topology>>,
    /// Whether it was there at the start: then Envoys wait for it.
    is_initial: bool,
}

impl State {
    /// With the meshes of App Mesh's API, too: it is not ready before they were read.
    pub(crate) fn with_api(mut self) -> Self {
        self.has_api = true;
        self
    }

    /// Applies the meshes of the API: all that it has.
    pub(crate) fn on_api_meshes(&mut self, meshes: &BTreeMap<String, Arc<Topology>>) {
        let is_initial = self.api_meshes.is_none();
        let mut before = self.api_meshes.take().unwrap_or_default();
        let mut now = BTreeMap::new();
        for (name, topology) in meshes {
            let mut mesh = before.remove(name).unwrap_or(ApiMesh {
                is_initial,
                ..ApiMesh::default()
            });
            let latest = mesh.next.as_ref().or(mesh.served.as_ref());
            if latest.is_none_or(|latest| latest != topology) {
                mesh.next = Some(Arc::clone(topology));
                self.has_new_views = true;
            }
            now.insert(name.clone(), mesh);
        }
        self.api_meshes = Some(now);
    }

    /// Serves each mesh of the API once Cloud Map has responded for all of its services.
    pub(super) fn advance_api_meshes(&mut self) {
        let Self {
            api_meshes, services, ..
        } = self;
        for mesh in api_meshes.iter_mut().flat_map(BTreeMap::values_mut) {
            let Some(next) = &mesh.next else { continue };
            let has_response = |service: &&Service| services.get(service).is_some_and(|known| known.found.is_some());
            if RequiredServices::of(std::iter::once(&**next))
                .all()
                .iter()
                .all(has_response)
            {
                mesh.served = mesh.next.take();
            }
        }
    }

    /// Those of the API, by name.
    pub(super) fn api_meshes(&self) -> impl Iterator<Item = (&String, &ApiMesh)> {
        self.api_meshes.iter().flatten()
    }

    /// Those that were there at the start and are not served yet, each with what it waits for.
    pub(super) fn missing_api_meshes(&self) -> impl Iterator<Item = (&String, &Topology)> {
        self.api_meshes()
            .filter(|(_, mesh)| mesh.is_initial && mesh.served.is_none())
            .filter_map(|(name, mesh)| Some((name, &**mesh.next.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use mesh_control::MeshState;
    use mesh_model::app_mesh::{Assembly, KeyCasing, ResourcePath};
    use serde_json::json;

    use super::*;
    use crate::cloud_map::Response;
    use crate::discovery::Discovery;
    use crate::poll_budget::PollIntervals;

    /// Meshes with one virtual node each, of this Cloud Map service.
    fn meshes(services: &[(&str, &str)]) -> BTreeMap<String, Arc<Topology>> {
        let mut assembly = Assembly::new();
        for (mesh, service) in services {
            let discovery = json!({"awsCloudMap": {"namespaceName": "demo", "serviceName": service}});
            for (path, document) in [
                (format!("mesh/{mesh}"), json!({})),
                (
                    format!("mesh/{mesh}/virtualNode/n"),
                    json!({"serviceDiscovery": discovery}),
                ),
            ] {
                let resource = ResourcePath::parse(&path).expect("a path");
                assembly.add(resource, &document, KeyCasing::Camel, &path);
            }
        }
        let meshes = assembly.finish().expect("valid meshes").into_iter();
        meshes.map(|(name, mesh)| (name, Arc::new(mesh))).collect()
    }

    fn state() -> State {
        State::of(std::iter::empty(), PollIntervals::default(), 1).with_api()
    }

    fn served(state: &mut State) -> Vec<String> {
        drop(state.advance());
        let mut mesh_state = MeshState::default();
        state.write(&mut mesh_state);
        mesh_state.meshes.into_keys().collect()
    }

    fn respond(state: &mut State, now: Instant) -> usize {
        let queries = state.queries(now);
        for query in &queries {
            let found = Response::Now(Discovery::Instances(Vec::new()), None);
            let _changed = state.on_response(&query.service, Ok(found), now);
        }
        queries.len()
    }

    #[test]
    fn a_mesh_is_served_once_cloud_map_has_responded() {
        let (mut state, now) = (state(), Instant::now());
        assert!(state.is_ready().is_err(), "the API has not been read");
        state.on_api_meshes(&meshes(&[("a", "blue"), ("b", "blue")]));
        assert_eq!(served(&mut state), Vec::<String>::new());
        let reason = state.is_ready().expect_err("Cloud Map has not responded");
        assert!(reason.starts_with("mesh a is not known yet: Cloud Map"), "{reason}");
        assert_eq!(respond(&mut state, now), 1, "one query for both");
        assert_eq!(served(&mut state), ["a", "b"]);
        assert_eq!(state.is_ready(), Ok(()));

        // A later one does not end readiness, and the others are served as they were.
        state.on_api_meshes(&meshes(&[("b", "green"), ("c", "green")]));
        assert_eq!(served(&mut state), ["b"]);
        assert_eq!(state.is_ready(), Ok(()));
        assert!(state.is_waiting());
        assert_eq!(respond(&mut state, now), 1, "of the new service, and of no other");
        assert_eq!(served(&mut state), ["b", "c"]);
    }

    #[test]
    fn without_meshes_it_is_ready() {
        let mut state = state();
        state.on_api_meshes(&BTreeMap::new());
        assert_eq!(state.is_ready(), Ok(()));
        state.on_api_meshes(&meshes(&[("a", "blue")]));
        assert_eq!(state.is_ready(), Ok(()), "a new mesh does not end readiness");
    }
}
