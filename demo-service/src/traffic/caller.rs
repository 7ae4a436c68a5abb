//! One call over the network.

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

use reqwest::header::{CONNECTION, HeaderMap, HeaderValue};
use reqwest::{Client, Response, StatusCode, Url};

use super::outcome::{Cause, Outcome};
use super::plan::Plan;
use super::{causes, with_causes};

/// The most bytes read of a body. The demo service's own responses are shorter, unless they contain another service's.
const MAX_BODY: usize = 64 << 10;

/// For the logs of servers.
const USER_AGENT: &str = concat!("demo-service-traffic/", env!("CARGO_PKG_VERSION"));

/// Calls one target. Clones share their connections.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    client: Client,
    url: Url,
    timeout: Duration,
}

impl Caller {
    pub(super) fn new(plan: &Plan) -> Result<Self, reqwest::Error> {
        let mut client = Client::builder()
            .no_proxy()
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(USER_AGENT);
        if !plan.keep_alive {
            let close = HeaderMap::from_iter([(CONNECTION, HeaderValue::from_static("close"))]);
            client = client.pool_max_idle_per_host(0).default_headers(close);
        }
        Ok(Self {
            client: client.build()?,
            url: plan.target.url().clone(),
            timeout: plan.timeout,
        })
    }

    /// Makes one call. Cancelling it closes the connection; the server may or may not have acted on the call.
    pub(super) async fn call(&self) -> Outcome {
        match tokio::time::timeout(self.timeout, self.exchange()).await {
            Ok(Ok((status, body))) => Outcome::of_response(status, &body),
            Ok(Err(error)) => Outcome::failed(classify(&error), with_causes(&error.without_url())),
            Err(_) => {
                let timeout = humantime::format_duration(self.timeout);
                Outcome::failed(Cause::Timeout, format!("no complete response within {timeout}"))
            }
        }
    }

    async fn exchange(&self) -> Result<(StatusCode, Vec<u8>), reqwest::Error> {
        let response = self.client.get(self.url.clone()).send().await?;
        let status = response.status();
        Ok((status, read_body(response).await?))
    }
}

/// The body, up to [`MAX_BODY`].
async fn read_body(mut response: Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = MAX_BODY - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            break;
        }
    }
    Ok(body)
}

fn classify(error: &reqwest::Error) -> Cause {
    let kind = causes(error)
        .filter_map(|error| error.downcast_ref::<std::io::Error>())
        .last()
        .map(std::io::Error::kind);
    if error.is_connect() {
        return match kind {
            Some(ErrorKind::ConnectionRefused) => Cause::ConnectionRefused,
            _ => Cause::ConnectionFailed,
        };
    }
    match kind {
        Some(ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe) => {
            Cause::ConnectionReset
        }
        Some(ErrorKind::UnexpectedEof) => Cause::ConnectionClosed,
        _ if causes(error).any(is_incomplete) => Cause::ConnectionClosed,
        _ => Cause::NotHttp,
    }
}

fn is_incomplete(error: &(dyn Error + 'static)) -> bool {
    let error = error.downcast_ref::<hyper::Error>();
    error.is_some_and(hyper::Error::is_incomplete_message)
}
