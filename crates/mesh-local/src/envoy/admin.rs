//! Client for Envoy's admin interface, over its Unix socket.
//!
//! <https://www.envoyproxy.io/docs/envoy/v1.40.0/operations/admin> (2026-11-23).

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::Value as Json;

/// Interval between polls of an Envoy that is to become ready or idle.
const POLL_INTERVAL: Duration = Duration::from_millis(5);
/// Timeout of one request. An Envoy that hangs is not waited for.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(1);

/// A client for an Envoy's admin interface.
#[derive(Debug)]
pub(crate) struct AdminClient {
    client: reqwest::Client,
    /// Name suffixes of the connection gauges of each TCP listener.
    tcp_connections: Vec<String>,
}

impl AdminClient {
    /// The admin interface at `socket` of an Envoy with TCP listeners at these ports, among others.
    pub(crate) fn new(socket: &Path, tcp_listeners: &BTreeSet<u16>) -> reqwest::Result<Self> {
        let client = reqwest::Client::builder()
            .unix_socket(socket.to_owned())
            .no_proxy()
            .timeout(REQUEST_TIMEOUT)
            .build()?;
        let name = |port: &u16| format!("_{port}.downstream_cx_active");
        Ok(Self {
            client,
            tcp_connections: tcp_listeners.iter().map(name).collect(),
        })
    }

    /// Waits until Envoy has its configuration and its listeners are open.
    pub(crate) async fn wait_until_ready(&self) {
        loop {
            let response = self.client.get("http://envoy/ready").send().await;
            if response.is_ok_and(|response| response.status().is_success()) {
                return;
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Starts draining: sends `connection: close` with every response, so that callers use other endpoints. Still
    /// accepts new connections: of callers that have not received the deregistration, and of its own applications,
    /// which may make calls during their shutdown.
    pub(crate) async fn drain(&self) {
        // Without `skip_exit` the listeners would close after the drain time, even with open requests.
        self.post("drain_listeners?graceful&skip_exit").await;
    }

    /// Closes the listeners. Open connections remain.
    pub(crate) async fn close(&self) {
        self.post("drain_listeners").await;
    }

    /// Waits until no request is active, no response bytes are buffered for a slow reader, and no TCP connection is
    /// open. Idle keep-alive connections do not count, and an Envoy that does not respond counts as idle.
    pub(crate) async fn wait_until_idle(&self) {
        while self.is_busy().await {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// The number of requests in progress to these hosts; of connections, for TCP. 0 for an Envoy that does not respond.
    pub(crate) async fn requests_to(&self, hosts: &BTreeSet<SocketAddr>) -> u64 {
        let Ok(response) = self.client.get("http://envoy/clusters").send().await else {
            return 0;
        };
        let page = response.text().await.unwrap_or_default();
        page.lines().filter_map(|line| active_requests(line, hosts)).sum()
    }

    /// The health of the hosts of each cluster, by cluster and host. Empty for an Envoy that does not respond.
    pub(crate) async fn health_of_hosts(&self) -> Vec<((String, SocketAddr), HostHealth)> {
        let Ok(response) = self.client.get("http://envoy/clusters").send().await else {
            return Vec::new();
        };
        let page = response.text().await.unwrap_or_default();
        page.lines().filter_map(host_health).collect()
    }

    async fn is_busy(&self) -> bool {
        const ACTIVITY: &str = "http://envoy/stats?filter=downstream_(rq_active|cx_active|cx_tx_bytes_buffered)$";
        let Ok(response) = self.client.get(ACTIVITY).send().await else {
            return false;
        };
        let statistics = response.text().await.unwrap_or_default();
        statistics
            .lines()
            .filter_map(|line| line.split_once(": "))
            .any(|(name, value)| value.trim() != "0" && self.is_relevant(name))
    }

    fn is_relevant(&self, name: &str) -> bool {
        // Envoy ends a request once its response is in the connection's buffer, which may hold a megabyte.
        let activity = [".downstream_rq_active", ".downstream_cx_tx_bytes_buffered"];
        let http = name.strip_prefix("http.").filter(|rest| !rest.starts_with("admin."));
        http.is_some_and(|rest| activity.iter().any(|end| rest.ends_with(end)))
            || name.starts_with("listener.") && self.tcp_connections.iter().any(|counted| name.ends_with(counted))
    }

    /// The ports of its listeners that accept connections. `None` if it does not respond.
    pub(crate) async fn open_ports(&self) -> Option<BTreeSet<u16>> {
        let listeners = self.get("listeners?format=json").await?;
        let statuses = listeners.get("listener_statuses")?.as_array()?;
        let addresses = statuses.iter().flat_map(|status| {
            let others = status.get("additional_local_addresses").and_then(Json::as_array);
            status
                .get("local_address")
                .into_iter()
                .chain(others.into_iter().flatten())
        });
        let ports = addresses.filter_map(|address| address.pointer("/socket_address/port_value")?.as_u64());
        Some(ports.filter_map(|port| u16::try_from(port).ok()).collect())
    }

    /// The names of secrets that it uses and has not received. None if it does not respond.
    pub(crate) async fn missing_secrets(&self) -> BTreeSet<String> {
        let dump = self.get("config_dump?resource=dynamic_warming_secrets").await;
        let secrets = dump.as_ref().and_then(|dump| dump.get("configs")?.as_array());
        let names = secrets
            .into_iter()
            .flatten()
            .filter_map(|secret| secret.get("name")?.as_str());
        names.map(str::to_owned).collect()
    }

    async fn get(&self, what: &str) -> Option<Json> {
        let response = self.client.get(format!("http://envoy/{what}")).send().await.ok()?;
        serde_json::from_str(&response.text().await.ok()?).ok()
    }

    async fn post(&self, what: &str) {
        // An Envoy that has ended, or hangs, is stopped by signals.
        let _response = self.client.post(format!("http://envoy/{what}")).send().await;
    }
}

/// The result of active health checks of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HostHealth {
    /// It passes them, or has none.
    Healthy,
    /// It has not been checked yet.
    Pending,
    /// It fails them.
    Failing,
}

/// Cluster, host and health in a line `CLUSTER::HOST::health_flags::FLAGS`.
fn host_health(line: &str) -> Option<((String, SocketAddr), HostHealth)> {
    let (cluster, rest) = line.split_once("::")?;
    let (host, flags) = rest.split_once("::health_flags::")?;
    let has = |flag: &str| flags.split('/').any(|other| other.trim() == flag);
    let health = match (has("pending_active_hc"), has("failed_active_hc")) {
        (true, _) => HostHealth::Pending,
        (false, true) => HostHealth::Failing,
        (false, false) => HostHealth::Healthy,
    };
    Some(((cluster.to_owned(), host.parse().ok()?), health))
}

/// The number in a line `CLUSTER::HOST::rq_active::NUMBER` of one of these hosts.
fn active_requests(line: &str, hosts: &BTreeSet<SocketAddr>) -> Option<u64> {
    let (host, count) = line.split_once("::")?.1.split_once("::rq_active::")?;
    hosts.contains(&host.parse().ok()?).then_some(())?;
    count.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_is_read_from_the_flags_of_a_host() {
        let of = |line: &str| host_health(line).map(|(_, health)| health);
        let line = |flags: &str| format!("targetGroup/shop::127.0.0.1:8080::health_flags::{flags}");
        assert_eq!(of(&line("healthy")), Some(HostHealth::Healthy));
        assert_eq!(
            of(&line("/failed_active_hc/active_hc_timeout")),
            Some(HostHealth::Failing)
        );
        assert_eq!(
            of(&line("/failed_active_hc/pending_active_hc")),
            Some(HostHealth::Pending)
        );
        assert_eq!(of("targetGroup/shop::127.0.0.1:8080::rq_active::2"), None);
        let named = host_health(&line("healthy")).map(|(of, _)| of);
        assert_eq!(
            named,
            Some((
                "targetGroup/shop".to_owned(),
                "127.0.0.1:8080".parse().expect("an address")
            ))
        );
    }

    #[test]
    fn requests_of_other_hosts_do_not_count() {
        let hosts = BTreeSet::from(["127.0.0.1:8080".parse().expect("an address")]);
        for (line, expected) in [
            ("targetGroup/shop::127.0.0.1:8080::rq_active::2", Some(2)),
            ("targetGroup/shop::127.0.0.1:8081::rq_active::1", None),
            ("targetGroup/shop::127.0.0.1:8080::cx_active::1", None),
            ("targetGroup/shop::observability_name::targetGroup/shop", None),
        ] {
            assert_eq!(active_requests(line, &hosts), expected, "{line}");
        }
    }
}
