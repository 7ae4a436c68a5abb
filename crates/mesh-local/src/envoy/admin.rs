//! What is asked of an Envoy's admin page, over its Unix socket.
//!
//! <https://www.envoyproxy.io/docs/envoy/v1.40.0/operations/admin> (2026-11-23).

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// Between two questions to an Envoy that is to become ready or idle.
const BETWEEN: Duration = Duration::from_millis(5);
/// How long an answer may take. An Envoy that hangs is not waited for.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// An Envoy's admin page.
#[derive(Debug)]
pub(crate) struct AdminClient {
    client: reqwest::Client,
    /// How the names of the statistics end that count the connections of each TCP listener.
    tcp_connections: Vec<String>,
}

impl AdminClient {
    /// The admin page at `socket` of an Envoy that has TCP listeners at these ports, among others.
    pub(crate) fn new(socket: &Path, tcp_listeners: &BTreeSet<u16>) -> reqwest::Result<Self> {
        let client = reqwest::Client::builder()
            .unix_socket(socket.to_owned())
            .no_proxy()
            .timeout(ANSWER_WITHIN)
            .build()?;
        let name = |port: &u16| format!("_{port}.downstream_cx_active");
        Ok(Self {
            client,
            tcp_connections: tcp_listeners.iter().map(name).collect(),
        })
    }

    /// Waits until Envoy has its configuration and its listeners are open.
    pub(crate) async fn ready(&self) {
        loop {
            let answer = self.client.get("http://envoy/ready").send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            tokio::time::sleep(BETWEEN).await;
        }
    }

    /// Asks callers to go elsewhere, by `connection: close` in every answer. New connections are still accepted:
    /// who does not know yet that the task is leaving must not be refused, and its own applications may have
    /// calls to make while they stop.
    pub(crate) async fn drain(&self) {
        // Without `skip_exit` the listeners would close when the drain time is over, whatever is going on.
        self.post("drain_listeners?graceful&skip_exit").await;
    }

    /// Accepts no new connections. Those there are stay.
    pub(crate) async fn close(&self) {
        self.post("drain_listeners").await;
    }

    /// Waits until no request is being answered, no byte of an answer is held back by a slow reader, and no TCP
    /// connection is open. Connections on which somebody might ask again do not count. An Envoy that gives no
    /// answer has nothing to finish.
    pub(crate) async fn idle(&self) {
        while self.is_busy().await {
            tokio::time::sleep(BETWEEN).await;
        }
    }

    async fn is_busy(&self) -> bool {
        const ACTIVITY: &str = "http://envoy/stats?filter=downstream_(rq_active|cx_active|cx_tx_bytes_buffered)$";
        let Ok(answer) = self.client.get(ACTIVITY).send().await else {
            return false;
        };
        let statistics = answer.text().await.unwrap_or_default();
        statistics
            .lines()
            .filter_map(|line| line.split_once(": "))
            .any(|(name, value)| value.trim() != "0" && self.counts(name))
    }

    fn counts(&self, name: &str) -> bool {
        // Envoy forgets a request once its answer is in the connection's buffer, which may hold a megabyte.
        let of_requests = [".downstream_rq_active", ".downstream_cx_tx_bytes_buffered"];
        let http = name.strip_prefix("http.").filter(|rest| !rest.starts_with("admin."));
        http.is_some_and(|rest| of_requests.iter().any(|end| rest.ends_with(end)))
            || name.starts_with("listener.") && self.tcp_connections.iter().any(|counted| name.ends_with(counted))
    }

    async fn post(&self, what: &str) {
        // An Envoy that has ended, or hangs, is stopped by other means.
        let _answer = self.client.post(format!("http://envoy/{what}")).send().await;
    }
}
