//! The call of STS with the presigned URL of a client.

use std::time::Duration;

use aws_types::SdkConfig;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use url::Url;

use super::presigned::AUDIENCE_HEADER;

/// Time for a response.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Size of a response in bytes. It has less than one kB.
const MAX_RESPONSE: usize = 64 << 10;

/// Where STS is. Tokens for other places are not sent anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StsEndpoint {
    region: String,
    url: Url,
}

impl StsEndpoint {
    /// The STS of a region.
    ///
    /// # Panics
    ///
    /// If the region cannot be part of a host name.
    #[must_use]
    pub fn of_region(region: &str) -> Self {
        let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
        let url = format!("https://sts.{region}.amazonaws.com{suffix}/");
        Self {
            region: region.to_owned(),
            url: Url::parse(&url).expect("a region is part of a host name"),
        }
    }

    /// The STS of a configuration: that of its region, or its endpoint (`AWS_ENDPOINT_URL`) if it has one.
    ///
    /// # Errors
    ///
    /// If it has no region, or an endpoint that is no URL.
    pub fn of_config(config: &SdkConfig) -> Result<Self, String> {
        let region = config.region().map(ToString::to_string);
        let region = region.ok_or("no region: set AWS_REGION")?;
        match config.endpoint_url() {
            Some(endpoint) => {
                let url = Url::parse(endpoint).map_err(|error| format!("endpoint {endpoint}: {error}"))?;
                Ok(Self { region, url })
            }
            None => Ok(Self::of_region(&region)),
        }
    }

    pub(super) fn region(&self) -> &str {
        &self.region
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Whether a URL is for this place.
    pub(super) fn is_of(&self, url: &Url) -> bool {
        let place = |url: &Url| {
            (
                url.scheme().to_owned(),
                url.host().map(|host| host.to_owned()),
                url.port_or_known_default(),
            )
        };
        place(&self.url) == place(url)
    }
}

/// Why STS names no caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StsError {
    /// It rejects the signature.
    Rejected(String),
    /// There is no response that decides it.
    Unavailable(String),
}

/// A client of STS.
#[derive(Debug, Clone)]
pub(super) struct Sts {
    client: Client<HttpsConnector<HttpConnector>, Body>,
    /// The name of this control plane, which signatures must cover.
    audience: String,
}

impl Sts {
    pub(super) fn new(endpoint: &StsEndpoint, audience: String) -> std::io::Result<Self> {
        let connector = hyper_rustls::HttpsConnectorBuilder::new().with_native_roots()?;
        let connector = match endpoint.url.scheme() {
            // That of an emulator.
            "http" => connector.https_or_http(),
            _ => connector.https_only(),
        };
        let client = Client::builder(TokioExecutor::new()).build(connector.enable_http1().build());
        Ok(Self { client, audience })
    }

    /// The ARN of the principal that has signed the URL. Redirects are not followed.
    pub(super) async fn caller_of(&self, url: &Url) -> Result<String, StsError> {
        match tokio::time::timeout(TIMEOUT, self.call(url)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(StsError::Unavailable(format!("no response within {TIMEOUT:?}"))),
        }
    }

    async fn call(&self, url: &Url) -> Result<String, StsError> {
        let unavailable = |error: &dyn std::error::Error| StsError::Unavailable(error.to_string());
        let request = Request::get(url.as_str())
            .header(AUDIENCE_HEADER, &self.audience)
            .header(header::ACCEPT, "application/json")
            .body(Body::empty())
            .map_err(|error| unavailable(&error))?;
        let response = self
            .client
            .request(request)
            .await
            .map_err(|error| unavailable(&error))?;
        let status = response.status();
        let body = to_bytes(Body::new(response.into_body()), MAX_RESPONSE).await;
        let body = body.map_err(|error| unavailable(&error))?;
        let body = String::from_utf8_lossy(&body);
        match status {
            StatusCode::OK => {
                arn_in(&body).ok_or_else(|| StsError::Unavailable("a response without an ARN".to_owned()))
            }
            // Throttling is a client error as well.
            StatusCode::TOO_MANY_REQUESTS => Err(StsError::Unavailable(status.to_string())),
            status if status.is_client_error() && !body.contains("Throttling") => {
                Err(StsError::Rejected(status.to_string()))
            }
            status => Err(StsError::Unavailable(status.to_string())),
        }
    }
}

/// The ARN in a response, in JSON or, from emulators, in XML.
fn arn_in(body: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Response {
        get_caller_identity_response: Inner,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Inner {
        get_caller_identity_result: Identity,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Identity {
        arn: String,
    }
    if let Ok(response) = serde_json::from_str::<Response>(body) {
        return Some(response.get_caller_identity_response.get_caller_identity_result.arn);
    }
    let (arn, _) = body.split_once("<Arn>")?.1.split_once("</Arn>")?;
    Some(arn.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arn_is_in_json_or_xml() {
        const ARN: &str = "arn:aws:sts::123456789012:assumed-role/blue/task";
        let json = format!(
            r#"{{"GetCallerIdentityResponse":{{"GetCallerIdentityResult":{{"Account":"123456789012","Arn":"{ARN}","UserId":"A:b"}},"ResponseMetadata":{{"RequestId":"1"}}}}}}"#
        );
        assert_eq!(arn_in(&json).as_deref(), Some(ARN));
        let xml = format!("<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>{ARN}</Arn><Account>1</Account>");
        assert_eq!(arn_in(&xml).as_deref(), Some(ARN));
        assert_eq!(arn_in("{}"), None);
    }

    #[test]
    fn the_host_is_that_of_the_partition() {
        let host = |region: &str| StsEndpoint::of_region(region).url.to_string();
        assert_eq!(host("eu-west-1"), "https://sts.eu-west-1.amazonaws.com/");
        assert_eq!(host("us-gov-west-1"), "https://sts.us-gov-west-1.amazonaws.com/");
        assert_eq!(host("cn-north-1"), "https://sts.cn-north-1.amazonaws.com.cn/");
    }
}
