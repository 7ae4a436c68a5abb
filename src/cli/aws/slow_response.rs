//! Shows that AWS does not respond: a line for each attempt that waits longer than usual.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use crate::console::Console;

/// A response usually begins within a second.
const USUAL: Duration = Duration::from_secs(3);

/// An HTTP client that reports slow responses to a console.
pub(super) fn reporting(inner: SharedHttpClient, console: Console) -> SharedHttpClient {
    SharedHttpClient::new(ReportingClient { inner, console })
}

#[derive(Debug)]
struct ReportingClient {
    inner: SharedHttpClient,
    console: Console,
}

#[derive(Debug)]
struct ReportingConnector {
    inner: SharedHttpConnector,
    console: Console,
    /// "; this attempt ends after 10 s", or nothing if there is no limit.
    limit: String,
}

impl HttpClient for ReportingClient {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let limit = settings.read_timeout();
        SharedHttpConnector::new(ReportingConnector {
            inner: self.inner.http_connector(settings, components),
            console: self.console.clone(),
            limit: limit.map_or_else(String::new, |limit| {
                format!("; this attempt ends after {} s", limit.as_secs())
            }),
        })
    }
}

impl HttpConnector for ReportingConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let host = host(request.uri());
        let response = self.inner.call(request);
        let (console, limit) = (self.console.clone(), self.limit.clone());
        HttpConnectorFuture::new(async move {
            let mut response = std::pin::pin!(response);
            tokio::select! {
                response = &mut response => return response,
                () = tokio::time::sleep(USUAL) => {}
            }
            console.progress(&format!("no response from {host} for {} s{limit}", USUAL.as_secs()));
            response.await
        })
    }
}

/// The host and port of a URL.
fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or(rest).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_its_port_and_no_path() {
        assert_eq!(host("http://127.0.0.1:4566/path?x=1"), "127.0.0.1:4566");
        assert_eq!(
            host("https://ssm.eu-west-1.amazonaws.com/"),
            "ssm.eu-west-1.amazonaws.com"
        );
    }
}
