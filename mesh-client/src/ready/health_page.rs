//! Health pages: Envoy's `/ready`, or `/status` of the agent beside it.

use std::fmt;

use http::StatusCode;
use serde_json::Value;
use url::Url;

use crate::error::{SanitisedText, root_cause};

/// The most bytes read of a page. The agent's status has less than a kilobyte.
const MAX_BODY: usize = 64 * 1024;

/// The prefix of a Unix socket's path, as in nginx's `proxy_pass`.
const UNIX: &str = "http://unix:";

#[derive(Debug, Clone)]
pub(super) struct HealthPage {
    /// The URL as configured.
    name: String,
    url: Url,
    http: reqwest::Client,
}

impl HealthPage {
    /// Parses the URL; `Err` is the reason why it is invalid, and what is allowed.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let invalid = || {
            format!(
                "is `{text}`; allowed is a URL such as http://127.0.0.1:9901/ready or http://unix:/tmp/envoy.sock:/ready"
            )
        };
        let builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .http1_only()
            // No connection is reused: the sidecar may have been restarted.
            .pool_max_idle_per_host(0);
        let (builder, url) = match text.strip_prefix(UNIX) {
            None => (builder, text.to_owned()),
            Some(rest) => {
                let (socket, path) = rest.split_once(':').ok_or_else(invalid)?;
                if !socket.starts_with('/') || !path.starts_with('/') {
                    return Err(invalid());
                }
                (on_socket(builder, socket)?, format!("http://localhost{path}"))
            }
        };
        let url = Url::parse(&url).map_err(|_| invalid())?;
        if url.scheme() != "http" || url.host_str().is_none() {
            return Err(invalid());
        }
        let http = builder
            .build()
            .map_err(|error| format!("cannot be requested: {}", error.without_url()))?;
        let name = text.to_owned();
        Ok(Self { name, url, http })
    }

    /// Requests the page once, without a timeout; `Err` is the result of the failed check.
    pub(super) async fn check(&self) -> Result<(), String> {
        let response = self.http.get(self.url.clone()).send().await;
        let mut response = response.map_err(|error| root_cause(&error))?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| root_cause(&error))? {
            let room = MAX_BODY - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() >= room {
                break;
            }
        }
        evaluate(status, &body)
    }
}

/// Evaluates the response of a page.
fn evaluate(status: StatusCode, body: &[u8]) -> Result<(), String> {
    if status != StatusCode::OK {
        return Err(format!("{status}{}", SanitisedText::new(body)));
    }
    let health = serde_json::from_slice(body)
        .ok()
        .and_then(|document: Value| Some(document.get("healthStatus")?.as_str().unwrap_or_default().to_owned()));
    match health {
        // Envoy's page: the status is sufficient.
        None => Ok(()),
        Some(health) if health == "HEALTHY" => Ok(()),
        Some(health) if health.is_empty() => Err("the agent has not checked Envoy yet".to_owned()),
        Some(health) => Err(format!(
            "the agent reports Envoy as{}",
            SanitisedText::new(health.as_bytes())
        )),
    }
}

#[cfg(unix)]
fn on_socket(builder: reqwest::ClientBuilder, socket: &str) -> Result<reqwest::ClientBuilder, String> {
    Ok(builder.unix_socket(socket))
}

#[cfg(not(unix))]
fn on_socket(_: reqwest::ClientBuilder, socket: &str) -> Result<reqwest::ClientBuilder, String> {
    Err(format!(
        "contains the Unix socket `{socket}`, which this operating system does not support"
    ))
}

/// Compares the configured URLs.
impl PartialEq for HealthPage {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for HealthPage {}

impl fmt::Display for HealthPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to report that Envoy is ready", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_with_ports_and_with_unix_sockets_are_valid() {
        for text in ["http://127.0.0.1:9901/ready", "http://[::1]:9902/status"] {
            assert_eq!(HealthPage::parse(text).unwrap().url.as_str(), text);
        }
        #[cfg(unix)]
        {
            let page = HealthPage::parse("http://unix:/tmp/envoy admin.sock:/ready").unwrap();
            assert_eq!(page.url.as_str(), "http://localhost/ready");
        }
    }

    #[test]
    fn other_urls_are_rejected() {
        for text in [
            "",
            "127.0.0.1:9901",
            "https://127.0.0.1:9901/ready",
            "http://unix:/tmp/envoy.sock",
            "http://unix:tmp:/ready",
            "http://unix:/tmp/envoy.sock:ready",
            "/ready",
        ] {
            let reason = HealthPage::parse(text).unwrap_err();
            let expected = format!("is `{text}`; allowed is a URL such as http://127.0.0.1:9901/ready or ");
            assert!(reason.starts_with(&expected), "{reason}");
        }
    }

    #[test]
    fn pages_of_envoy_and_of_the_agent_are_evaluated() {
        let evaluate = |status: u16, body: &str| evaluate(StatusCode::from_u16(status).unwrap(), body.as_bytes());
        assert_eq!(evaluate(200, "LIVE\n"), Ok(()));
        assert_eq!(
            evaluate(503, "PRE_INITIALIZING\n"),
            Err("503 Service Unavailable: PRE_INITIALIZING".to_owned())
        );
        assert_eq!(evaluate(200, r#"{"healthStatus": "HEALTHY"}"#), Ok(()));
        assert_eq!(
            evaluate(200, r#"{"healthStatus": "UNHEALTHY", "envoyState": "LIVE"}"#),
            Err("the agent reports Envoy as: UNHEALTHY".to_owned())
        );
        assert_eq!(
            evaluate(200, r#"{"healthStatus": ""}"#),
            Err("the agent has not checked Envoy yet".to_owned())
        );
        assert_eq!(evaluate(429, ""), Err("429 Too Many Requests".to_owned()));
    }
}
