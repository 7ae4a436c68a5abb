//! A control plane and its mesh state.

use std::net::SocketAddr;

use mesh_control::{Addresses, ControlPlane, ControlPlaneBuilder, MeshState, ServiceIdentity};
use mesh_control::{NodeStatus, XdsProtocol};
use mesh_model::namespace::{
    DEFAULT_HTTP_IDLE_TIMEOUT, DEFAULT_PER_REQUEST_TIMEOUT, DEFAULT_TCP_IDLE_TIMEOUT, Namespace, ServiceConnectService,
};
use mesh_model::service_connect::AppProtocol;
use tokio::task::JoinHandle;

use super::eventually;

/// The namespace of every test.
const NAMESPACE: &str = "serviceconnect";

/// A control plane, and the protocol of its Envoys. Dropping it closes every stream.
pub(crate) struct Mesh {
    pub(crate) protocol: XdsProtocol,
    pub(crate) control: ControlPlane,
    /// The span collector of Envoys that start from now on.
    pub(crate) collector: Option<SocketAddr>,
    serving: JoinHandle<()>,
}

impl Mesh {
    /// A mesh with these services.
    pub(crate) async fn start(protocol: XdsProtocol, endpoints: &[ServiceConnectService]) -> Self {
        let mesh = Self::start_at(Addresses::default(), protocol, MeshState::default()).await;
        mesh.create_namespace(endpoints);
        mesh
    }

    /// Creates the namespace, with these services.
    pub(crate) fn create_namespace(&self, endpoints: &[ServiceConnectService]) {
        let namespace = Namespace {
            name: NAMESPACE.to_owned(),
            services: endpoints.to_vec(),
        };
        self.control
            .update(|state| drop(state.namespaces.insert(NAMESPACE.to_owned(), namespace)));
    }

    pub(crate) async fn start_at(addresses: Addresses, protocol: XdsProtocol, mesh_state: MeshState) -> Self {
        let builder = ControlPlane::builder().addresses(addresses).mesh_state(mesh_state);
        Self::start_from(builder, protocol).await
    }

    /// A control plane with other settings.
    pub(crate) async fn start_from(builder: ControlPlaneBuilder, protocol: XdsProtocol) -> Self {
        let (control, serving) = builder.bind().await.expect("free addresses");
        let serving = tokio::spawn(async move {
            serving.await.expect("the control plane serves forever");
        });
        Self {
            protocol,
            control,
            collector: None,
            serving,
        }
    }

    /// Adds an ECS service to the namespace.
    pub(crate) fn add_ecs_service(&self, service: &str) {
        let identity = identity(service);
        self.control.update(|state| {
            state.services.insert(identity, NAMESPACE.to_owned());
        });
    }

    /// Adds a service, or replaces the one of this name.
    pub(crate) fn put_service(&self, endpoint: ServiceConnectService) {
        self.change_endpoints(|endpoints| {
            endpoints.retain(|other| other.discovery_name != endpoint.discovery_name);
            endpoints.push(endpoint);
            endpoints.sort_by(|a, b| a.discovery_name.cmp(&b.discovery_name));
        });
    }

    pub(crate) fn remove_service(&self, discovery_name: &str) {
        self.change_endpoints(|endpoints| endpoints.retain(|endpoint| endpoint.discovery_name != discovery_name));
    }

    fn change_endpoints(&self, change: impl FnOnce(&mut Vec<ServiceConnectService>)) {
        self.control.update(|state| {
            let namespace = state.namespaces.get_mut(NAMESPACE).expect("every test's namespace");
            change(&mut namespace.services);
        });
    }

    /// Sets the endpoints of a service.
    pub(crate) fn set_endpoints(&self, discovery_name: &str, addresses: &[SocketAddr]) {
        let instances = addresses.iter().map(|address| mesh_control::Endpoint {
            id: address.to_string(),
            address: *address,
        });
        let key = (NAMESPACE.to_owned(), discovery_name.to_owned());
        self.control
            .update(|state| drop(state.endpoints.insert(key, instances.collect())));
    }

    /// The current mesh state.
    pub(crate) fn mesh_state(&self) -> MeshState {
        let mut now = MeshState::default();
        self.control.update(|state| now.clone_from(state));
        now
    }

    /// The status of the tasks of a service, once `expected` holds for each.
    pub(crate) async fn node(&self, service: &str, expected: impl Fn(&NodeStatus) -> bool) -> NodeStatus {
        let id = node_id(service);
        eventually("the status is as expected", async || {
            let status = self.control.status();
            let node = status.nodes.iter().find(|node| node.id == id);
            node.filter(|node| expected(node))
                .cloned()
                .ok_or_else(|| format!("{status:#?}"))
        })
        .await
    }

    /// Waits until this number of Envoys is connected.
    pub(crate) async fn wait_for_nodes(&self, count: usize) {
        eventually("Envoys are connected", async || {
            let status = self.control.status();
            if status.nodes.len() == count {
                Ok(())
            } else {
                Err(format!("{status:#?}"))
            }
        })
        .await;
    }
}

impl Drop for Mesh {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn identity(service: &str) -> ServiceIdentity {
    ServiceIdentity {
        cluster: "demo".to_owned(),
        service: service.to_owned(),
    }
}

/// The node id of the tasks of a service.
pub(crate) fn node_id(service: &str) -> String {
    identity(service).node_id("eu-west-1", "123456789012", "1")
}

/// A service with ECS's defaults, on port 80 for HTTP and 9000 for TCP.
pub(crate) fn endpoint(service: &str, protocol: AppProtocol) -> ServiceConnectService {
    let http = protocol.is_http_family();
    ServiceConnectService {
        discovery_name: service.to_owned(),
        service: service.to_owned(),
        port_name: protocol.to_string(),
        container_port: 3000,
        dns_name: format!("{service}.{NAMESPACE}"),
        port: if http { 80 } else { 9000 },
        protocol,
        ingress_port_override: None,
        idle_timeout: Some(if http {
            DEFAULT_HTTP_IDLE_TIMEOUT
        } else {
            DEFAULT_TCP_IDLE_TIMEOUT
        }),
        per_request_timeout: http.then_some(DEFAULT_PER_REQUEST_TIMEOUT),
    }
}
