//! A load balancer's Envoy, and calls through it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::Router;
use axum::http::HeaderMap;
use mesh_control::node::{MeshwrightMetadata, ingress_listener, load_balancer_node_id};
use mesh_control::{Addresses, MeshState, NodeMetadata, Target, XdsProtocol};
use mesh_model::load_balancer::{
    Action, Condition, Forward, Listener, ListenerProtocol, LoadBalancer, LoadBalancerKind, Rule, TargetGroup,
    TargetProtocol,
};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::harness::{Envoy, Mesh, ReservedPort};

const NAME: &str = "shop";

/// A load balancer `shop`.
pub(super) struct Balancer {
    pub(super) mesh: Mesh,
    pub(super) envoy: Envoy,
    ports: BTreeMap<u16, ReservedPort>,
    client: reqwest::Client,
}

/// A response.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) body: String,
    headers: HeaderMap,
}

pub(super) fn forward_to(target_group: &str) -> Action {
    Action::Forward(Forward::to(target_group))
}

pub(super) fn rule(conditions: Vec<Condition>, action: Action) -> Rule {
    Rule {
        name: "rule".to_owned(),
        conditions,
        action,
    }
}

/// A listener of HTTP without rules.
pub(super) fn http_listener(target_group: &str) -> Listener {
    Listener {
        protocol: ListenerProtocol::Http,
        certificates: Vec::new(),
        rules: Vec::new(),
        default_action: forward_to(target_group),
    }
}

impl Balancer {
    /// An application load balancer with these listeners, and a target group of HTTP/1.1 for each name in them.
    pub(super) async fn start(protocol: XdsProtocol, listeners: BTreeMap<u16, Listener>) -> Self {
        Self::start_as(protocol, LoadBalancerKind::Application, listeners, MeshState::default()).await
    }

    pub(super) async fn start_as(
        protocol: XdsProtocol,
        kind: LoadBalancerKind,
        listeners: BTreeMap<u16, Listener>,
        mut state: MeshState,
    ) -> Self {
        let mut load_balancer = LoadBalancer::new(NAME, kind, "shop.elb.test");
        load_balancer.listeners = listeners;
        let targets = match kind {
            LoadBalancerKind::Application => TargetProtocol::Http1,
            LoadBalancerKind::Network => TargetProtocol::Tcp,
        };
        for name in load_balancer.target_groups() {
            let target_group = TargetGroup::new(name, targets);
            state.target_groups.entry(name.to_owned()).or_insert(target_group);
        }
        let ports: BTreeMap<u16, ReservedPort> = load_balancer
            .listeners
            .keys()
            .map(|port| (*port, ReservedPort::pick()))
            .collect();
        state.load_balancers.insert(NAME.to_owned(), load_balancer);
        let mesh = Mesh::start_at(Addresses::default(), protocol, state).await;
        let listener_ports = ports
            .iter()
            .map(|(port, reserved)| (ingress_listener(&port.to_string()), reserved.number()));
        let metadata = NodeMetadata {
            listener_ports: listener_ports.collect(),
            extension: MeshwrightMetadata::default(),
        };
        let directory = tempfile::tempdir().expect("a temporary directory");
        let xds = mesh.control.addresses().xds;
        let envoy = Envoy::start(directory, &load_balancer_node_id(NAME), metadata, xds, protocol).await;
        Self {
            mesh,
            envoy,
            ports,
            client: client(),
        }
    }

    pub(super) fn address(&self, port: u16) -> SocketAddr {
        self.ports[&port].address()
    }

    pub(super) fn set_targets(&self, target_group: &str, addresses: &[SocketAddr]) {
        let targets = addresses.iter().map(|address| Target {
            id: address.to_string(),
            address: *address,
            health_check_port: None,
            is_draining: false,
        });
        let targets = targets.collect();
        self.mesh
            .control
            .update(|state| drop(state.targets.insert(target_group.to_owned(), targets)));
    }

    pub(super) fn set_listeners(&self, listeners: BTreeMap<u16, Listener>) {
        self.change(|load_balancer| load_balancer.listeners = listeners);
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut LoadBalancer)) {
        self.mesh.control.update(|state| {
            change(state.load_balancers.get_mut(NAME).expect("the load balancer"));
        });
    }

    /// Waits until the Envoy has the current state, and fails if it rejected a part.
    pub(super) async fn settled(&self) {
        self.mesh.control.settled(1).await;
        let status = self.mesh.control.status();
        let rejected = status.nodes.iter().any(|node| node.rejected().next().is_some());
        assert!(!rejected, "{status:#?}");
    }

    /// Status and body of a request at port 80.
    pub(super) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
        let Response { status, body, .. } = self.response(method, path, headers).await;
        (status, body)
    }

    pub(super) async fn response(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        let method = method.parse().expect("a method");
        let url = format!("http://{}{path}", self.address(80));
        let request = headers
            .iter()
            .fold(self.client.request(method, url), |request, (name, value)| {
                request.header(*name, *value)
            });
        let response = request.send().await.expect("a response");
        Response {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().await.expect("a text"),
        }
    }
}

impl Response {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A cookie of the response, as clients send it.
    pub(super) fn cookie(&self, name: &str) -> Option<String> {
        let cookies = self.headers.get_all("set-cookie").iter();
        let mut cookies = cookies.filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
        cookies
            .find(|cookie| cookie.starts_with(&format!("{name}=")))
            .map(str::to_owned)
    }
}

/// A client that follows no redirects.
fn client() -> reqwest::Client {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none());
    client.build().expect("a client")
}

/// An application that responds with the headers of the request.
pub(super) struct Reflecting {
    pub(super) address: SocketAddr,
    server: JoinHandle<()>,
}

pub(super) async fn reflecting() -> Reflecting {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let response = async |headers: HeaderMap| {
        let lines = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap_or_default()));
        lines.collect::<String>()
    };
    let server = tokio::spawn(async move {
        let _endless = axum::serve(listener, Router::new().fallback(response)).await;
    });
    Reflecting { address, server }
}

impl Drop for Reflecting {
    fn drop(&mut self) {
        self.server.abort();
    }
}
