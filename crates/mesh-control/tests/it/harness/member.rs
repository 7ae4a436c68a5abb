//! One member of an App Mesh: an Envoy of a virtual node or a virtual gateway, and calls through it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use mesh_control::NodeMetadata;
use mesh_control::node::{MeshwrightMetadata, egress_listener, ingress_listener};

use super::task::send;
use super::{Answer, Beside, Envoy, Load, Mesh, ReservedPort, eventually};

/// A member of the mesh `demo`.
pub(crate) struct Member {
    pub(crate) envoy: Envoy,
    listeners: BTreeMap<String, ReservedPort>,
    client: reqwest::Client,
}

impl Member {
    /// A virtual node that calls others.
    pub(crate) async fn calling(mesh: &Mesh, name: &str) -> Self {
        Self::start(mesh, &format!("virtualNode/{name}"), &[], &[]).await
    }

    /// A virtual node with applications, by the port of the listener in front.
    pub(crate) async fn serving(mesh: &Mesh, name: &str, applications: &[(u16, SocketAddr)]) -> Self {
        let listeners: Vec<String> = applications
            .iter()
            .map(|(port, _)| ingress_listener(&port.to_string()))
            .collect();
        Self::start(mesh, &format!("virtualNode/{name}"), &listeners, applications).await
    }

    /// A virtual gateway that listens on these ports.
    pub(crate) async fn gateway(mesh: &Mesh, name: &str, ports: &[u16]) -> Self {
        let listeners: Vec<String> = ports.iter().map(|port| ingress_listener(&port.to_string())).collect();
        Self::start(mesh, &format!("virtualGateway/{name}"), &listeners, &[]).await
    }

    /// A member by its path within the mesh, with these listeners besides `egress`.
    pub(crate) async fn start(
        mesh: &Mesh,
        path: &str,
        listeners: &[String],
        applications: &[(u16, SocketAddr)],
    ) -> Self {
        Self::start_beside(Beside::default(), mesh, path, listeners, applications).await
    }

    /// The same, beside these servers.
    pub(crate) async fn start_beside(
        beside: Beside,
        mesh: &Mesh,
        path: &str,
        listeners: &[String],
        applications: &[(u16, SocketAddr)],
    ) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let listeners: BTreeMap<String, ReservedPort> = std::iter::once(egress_listener())
            .chain(listeners.iter().cloned())
            .map(|name| (name, ReservedPort::pick()))
            .collect();
        let ports = listeners.iter().map(|(name, port)| (name.clone(), port.number()));
        let app_ports = applications
            .iter()
            .map(|(port, application)| (*port, application.port()));
        let hops = directory.path().join("hops.log");
        let wiring = NodeMetadata {
            listener_ports: ports.collect(),
            extension: MeshwrightMetadata {
                task: Some(format!("{path}/1")),
                app_ports: app_ports.collect(),
                access_log: Some(hops.display().to_string()),
                collector: mesh.collector,
                ..MeshwrightMetadata::default()
            },
        };
        let xds = mesh.control.addresses().xds;
        let id = format!("mesh/demo/{path}");
        let envoy = Envoy::start_beside(beside, directory, &id, wiring, xds, mesh.protocol).await;
        Self {
            envoy,
            listeners,
            client: reqwest::Client::builder().no_proxy().build().expect("a client"),
        }
    }

    /// Where a listener is.
    pub(crate) fn listener(&self, name: &str) -> SocketAddr {
        self.listeners[name].address()
    }

    /// Where its application calls others.
    pub(crate) fn egress(&self) -> SocketAddr {
        self.listener(&egress_listener())
    }

    /// Where others reach a port of it.
    pub(crate) fn ingress(&self, port: u16) -> SocketAddr {
        self.listener(&ingress_listener(&port.to_string()))
    }

    /// A GET of a path, to be made more of, at one of its listeners.
    pub(crate) fn request(&self, at: SocketAddr, host: &str, path: &str) -> reqwest::RequestBuilder {
        self.client.get(format!("http://{at}{path}")).header("host", host)
    }

    /// The answer to a GET by the application.
    pub(crate) async fn get(&self, host: &str, path: &str) -> Answer {
        self.answer(self.request(self.egress(), host, path)).await
    }

    /// The answer to a GET by somebody outside, at a port of a virtual gateway.
    pub(crate) async fn get_at(&self, port: u16, host: &str, path: &str) -> Answer {
        self.answer(self.request(self.ingress(port), host, path)).await
    }

    /// The answer to a request.
    pub(crate) async fn answer(&self, request: reqwest::RequestBuilder) -> Answer {
        send(request).await.expect("an answer, by whomever")
    }

    /// Waits until its Envoy knows exactly these tasks of a cluster.
    pub(crate) async fn has_tasks(&self, cluster: &str, tasks: &[SocketAddr]) {
        let mut expected = tasks.to_vec();
        expected.sort();
        eventually(&format!("{cluster} has {expected:?}"), async || {
            let known: Vec<SocketAddr> = self.envoy.health_of(cluster).await.into_keys().collect();
            if known == expected {
                Ok(())
            } else {
                Err(format!("{known:?}"))
            }
        })
        .await;
    }

    /// A load on one Host by the application.
    pub(crate) async fn load(&self, host: &'static str) -> Load {
        Load::on(self.egress(), host).await
    }
}
