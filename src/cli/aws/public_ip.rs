//! The public IPv4 address of this machine.

use std::error::Error as StdError;
use std::net::Ipv4Addr;
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use http_body_util::BodyExt;
use ipnet::Ipv4Net;

use super::config::TLS;

/// Amazon's service for public addresses. Over TLS: a forged response would open the stack to another address.
const URL: &str = "https://checkip.amazonaws.com/";
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why the address is unknown.
#[derive(Debug, thiserror::Error)]
#[error("cannot determine the public IP address from {URL}; use --allow-ip ADDRESS/32 instead")]
pub(crate) struct PublicIpError(#[source] RequestError);

#[derive(Debug, thiserror::Error)]
enum RequestError {
    #[error("no response within {} s", TIMEOUT.as_secs())]
    Timeout,
    #[error("the request failed")]
    Request(#[source] Box<dyn StdError + Send + Sync>),
    #[error("HTTP status {0}")]
    Status(u16),
    #[error("unexpected response `{0}`")]
    Response(String),
}

/// The network that consists of the public address.
pub(super) async fn resolve() -> Result<Ipv4Net, PublicIpError> {
    let response = tokio::time::timeout(TIMEOUT, fetch()).await;
    let response = response.unwrap_or(Err(RequestError::Timeout));
    response.and_then(|text| parse(&text)).map_err(PublicIpError)
}

async fn fetch() -> Result<String, RequestError> {
    let failed = |error: Box<dyn StdError + Send + Sync>| RequestError::Request(error);
    let mut request = HttpRequest::empty();
    request.set_uri(URL).map_err(|error| failed(error.into()))?;
    let connector = Connector::builder().tls_provider(TLS).build();
    let response = connector.call(request).await.map_err(|error| failed(error.into()))?;
    if !response.status().is_success() {
        return Err(RequestError::Status(response.status().as_u16()));
    }
    let body = response.into_body().collect().await.map_err(failed)?;
    String::from_utf8(body.to_bytes().to_vec()).map_err(|error| failed(error.into()))
}

fn parse(text: &str) -> Result<Ipv4Net, RequestError> {
    let address: Ipv4Addr = text.trim().parse().map_err(|_| {
        let start: String = text.chars().take(40).collect();
        RequestError::Response(start.trim().to_owned())
    })?;
    Ok(Ipv4Net::from(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_one_ipv4_address() {
        assert_eq!(parse("203.0.113.7\n").unwrap().to_string(), "203.0.113.7/32");
        assert_eq!(
            parse("<html>\n").unwrap_err().to_string(),
            "unexpected response `<html>`"
        );
        assert_eq!(
            parse("2001:db8::1").unwrap_err().to_string(),
            "unexpected response `2001:db8::1`"
        );
    }
}
