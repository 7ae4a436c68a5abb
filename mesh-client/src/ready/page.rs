//! The page on which a sidecar says how it is: Envoy's own, or that of the agent beside it.

use std::error::Error as _;
use std::fmt;

use http::StatusCode;
use serde_json::Value;
use url::Url;

use crate::error::Words;

/// As much of a page as is read. The agent's status has under a kilobyte.
const MAX_BODY: usize = 64 * 1024;

/// What comes before the path of a Unix socket, as in nginx's `proxy_pass`.
const UNIX: &str = "http://unix:";

#[derive(Debug, Clone)]
pub(super) struct Page {
    /// As it was written.
    name: String,
    url: Url,
    http: reqwest::Client,
}

impl Page {
    /// The page that `text` names; `Err` says what is wrong with it and what is allowed.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "is `{text}`; allowed is a page such as http://127.0.0.1:9901/ready or http://unix:/tmp/envoy.sock:/ready"
            )
        };
        let builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .http1_only()
            // A sidecar that was started again is another one: an old connection says nothing of it.
            .pool_max_idle_per_host(0);
        let (builder, url) = match text.strip_prefix(UNIX) {
            None => (builder, text.to_owned()),
            Some(rest) => {
                let (socket, path) = rest.split_once(':').ok_or_else(wrong)?;
                if !socket.starts_with('/') || !path.starts_with('/') {
                    return Err(wrong());
                }
                (on_socket(builder, socket)?, format!("http://localhost{path}"))
            }
        };
        let url = Url::parse(&url).map_err(|_| wrong())?;
        if url.scheme() != "http" || url.host_str().is_none() {
            return Err(wrong());
        }
        let http = builder
            .build()
            .map_err(|error| format!("cannot be asked: {}", error.without_url()))?;
        let name = text.to_owned();
        Ok(Self { name, url, http })
    }

    /// Asks once; `Err` says what was seen instead of a sidecar that is well. Whoever asks says how long.
    pub(super) async fn look(&self) -> Result<(), String> {
        let answer = self.http.get(self.url.clone()).send().await;
        let mut answer = answer.map_err(|error| innermost(&error))?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| innermost(&error))? {
            let room = MAX_BODY - body.len();
            body.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.len() >= room {
                break;
            }
        }
        judge(status, &body)
    }
}

/// The system's own word, without the layers around it.
fn innermost(error: &reqwest::Error) -> String {
    let mut word = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        word = error.to_string();
        cause = error.source();
    }
    word
}

/// What a page says that answered so.
fn judge(status: StatusCode, body: &[u8]) -> Result<(), String> {
    if status != StatusCode::OK {
        return Err(format!("{status}{}", Words::new(body)));
    }
    let health = serde_json::from_slice(body)
        .ok()
        .and_then(|document: Value| Some(document.get("healthStatus")?.as_str().unwrap_or_default().to_owned()));
    match health {
        // Not the agent's: Envoy says LIVE, and its status says it all.
        None => Ok(()),
        Some(health) if health == "HEALTHY" => Ok(()),
        Some(health) if health.is_empty() => Err("the agent has not looked at Envoy yet".to_owned()),
        Some(health) => Err(format!("the agent says of Envoy{}", Words::new(health.as_bytes()))),
    }
}

#[cfg(unix)]
fn on_socket(builder: reqwest::ClientBuilder, socket: &str) -> Result<reqwest::ClientBuilder, String> {
    Ok(builder.unix_socket(socket))
}

#[cfg(not(unix))]
fn on_socket(_: reqwest::ClientBuilder, socket: &str) -> Result<reqwest::ClientBuilder, String> {
    Err(format!("names the Unix socket `{socket}`, and this system has none"))
}

/// Pages are the same that are written the same.
impl PartialEq for Page {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Page {}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to answer that Envoy is well", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_on_ports_and_on_sockets() {
        for text in ["http://127.0.0.1:9901/ready", "http://[::1]:9902/status"] {
            assert_eq!(Page::parse(text).unwrap().url.as_str(), text);
        }
        #[cfg(unix)]
        {
            let page = Page::parse("http://unix:/tmp/envoy admin.sock:/ready").unwrap();
            assert_eq!(page.url.as_str(), "http://localhost/ready");
        }
    }

    #[test]
    fn anything_else_is_no_page() {
        for text in [
            "",
            "127.0.0.1:9901",
            "https://127.0.0.1:9901/ready",
            "http://unix:/tmp/envoy.sock",
            "http://unix:tmp:/ready",
            "http://unix:/tmp/envoy.sock:ready",
            "/ready",
        ] {
            let why = Page::parse(text).unwrap_err();
            let expected = format!("is `{text}`; allowed is a page such as http://127.0.0.1:9901/ready or ");
            assert!(why.starts_with(&expected), "{why}");
        }
    }

    #[test]
    fn a_page_is_read_as_its_owner_means_it() {
        let judge = |status: u16, body: &str| judge(StatusCode::from_u16(status).unwrap(), body.as_bytes());
        assert_eq!(judge(200, "LIVE\n"), Ok(()));
        assert_eq!(
            judge(503, "PRE_INITIALIZING\n"),
            Err("503 Service Unavailable: PRE_INITIALIZING".to_owned())
        );
        assert_eq!(judge(200, r#"{"healthStatus": "HEALTHY"}"#), Ok(()));
        assert_eq!(
            judge(200, r#"{"healthStatus": "UNHEALTHY", "envoyState": "LIVE"}"#),
            Err("the agent says of Envoy: UNHEALTHY".to_owned())
        );
        assert_eq!(
            judge(200, r#"{"healthStatus": ""}"#),
            Err("the agent has not looked at Envoy yet".to_owned())
        );
        assert_eq!(judge(429, ""), Err("429 Too Many Requests".to_owned()));
    }
}
