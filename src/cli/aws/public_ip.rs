//! The address by which the rest of the world sees this machine.

use std::net::Ipv4Addr;
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use http_body_util::BodyExt;
use ipnet::Ipv4Net;

use super::config::TLS;

/// Amazon's own service for that. Over TLS: whoever could answer in its place could let somebody else in.
const ASKED: &str = "https://checkip.amazonaws.com/";
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// The network of that one address.
pub(super) async fn ask() -> Result<Ipv4Net, String> {
    let answer = tokio::time::timeout(ANSWERS_WITHIN, body()).await;
    let answer = answer.unwrap_or_else(|_| Err(format!("no answer within {} s", ANSWERS_WITHIN.as_secs())));
    let address = answer.and_then(|text| read(&text));
    address.map_err(|reason| {
        format!("{ASKED} did not tell this machine's address: {reason}; say it yourself, with --allow-ip ADDRESS/32")
    })
}

async fn body() -> Result<String, String> {
    let mut request = HttpRequest::empty();
    request.set_uri(ASKED).map_err(|error| error.to_string())?;
    let connector = Connector::builder().tls_provider(TLS).build();
    let answer = connector.call(request).await.map_err(|error| reasons(&error))?;
    if !answer.status().is_success() {
        return Err(format!("it answered {}", answer.status().as_u16()));
    }
    let body = answer.into_body().collect().await.map_err(|error| error.to_string())?;
    String::from_utf8(body.to_bytes().to_vec()).map_err(|_| "its answer is no text".to_owned())
}

fn read(text: &str) -> Result<Ipv4Net, String> {
    let address: Ipv4Addr = text.trim().parse().map_err(|_| {
        let start: String = text.chars().take(40).collect();
        format!("it answered `{}`", start.trim())
    })?;
    Ok(Ipv4Net::from(address))
}

/// An error with what is behind it: `client error (Connect): dns error: …`.
fn reasons(error: &dyn std::error::Error) -> String {
    crate::console::chain(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_one_address() {
        assert_eq!(read("203.0.113.7\n").unwrap().to_string(), "203.0.113.7/32");
        assert_eq!(read("<html>\n").unwrap_err(), "it answered `<html>`");
        assert_eq!(read("2001:db8::1").unwrap_err(), "it answered `2001:db8::1`");
    }
}
