//! An AWS configuration that records requests and returns scripted responses.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_cloudformation::config::http::{HttpRequest, HttpResponse};
use aws_sdk_cloudformation::config::retry::RetryConfig;
use aws_sdk_cloudformation::config::timeout::TimeoutConfig;
use aws_sdk_cloudformation::config::{
    AsyncSleep, BehaviorVersion, Credentials, Region, SharedAsyncSleep, SharedCredentialsProvider, Sleep,
};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_types::SdkConfig;

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct RecordedRequest {
    /// The call, such as `CreateChangeSet`; for S3, method and path, such as `PUT /bucket?policy`.
    pub(crate) action: String,
    /// The number of this request among those with the same action, from 0.
    pub(crate) number: usize,
    /// The body.
    pub(crate) body: String,
    /// Whether it has the header `x-amz-object-ownership`.
    pub(crate) sets_ownership: bool,
}

/// A scripted response.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: String,
    /// The header `x-amz-bucket-region`.
    bucket_region: Option<&'static str>,
}

impl Response {
    /// A response of CloudFormation.
    pub(crate) fn xml(action: &str, result: &str) -> Self {
        let space = "http://cloudformation.amazonaws.com/doc/2010-05-15/";
        let id = "<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>";
        let body = format!(
            "<{action}Response xmlns=\"{space}\"><{action}Result>{result}</{action}Result>{id}</{action}Response>"
        );
        Self::new(200, body)
    }

    fn new(status: u16, body: String) -> Self {
        Self {
            status,
            body,
            bucket_region: None,
        }
    }

    /// A rejection by S3.
    pub(crate) fn s3_error(status: u16, code: &str) -> Self {
        let body = format!("<Error><Code>{code}</Code><Message>{code} of the test</Message></Error>");
        Self::new(status, body)
    }

    /// Sets the region of the bucket.
    pub(crate) fn in_region(self, region: &'static str) -> Self {
        Self {
            bucket_region: Some(region),
            ..self
        }
    }

    /// A rejection by CloudFormation.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        let space = "http://cloudformation.amazonaws.com/doc/2010-05-15/";
        let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>");
        let body = format!("<ErrorResponse xmlns=\"{space}\">{error}<RequestId>1</RequestId></ErrorResponse>");
        Self::new(status, body)
    }

    /// A response or rejection by Cloud Map.
    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self::new(status, body.to_owned())
    }
}

/// Returns the scripted response to a request; `None` forwards the request to the account.
pub(crate) type Script = Arc<dyn Fn(&RecordedRequest) -> Option<Response> + Send + Sync>;

/// The number of requests, by action.
pub(crate) type Calls = Arc<Mutex<BTreeMap<String, usize>>>;

/// A configuration for the account of this number at `address`.
pub(crate) fn config(address: &str, environment: &str, script: Script) -> (SdkConfig, Calls) {
    let calls = Calls::default();
    let connector = SharedHttpConnector::new(Connector {
        http: reqwest::Client::builder().no_proxy().build().unwrap(),
        script,
        calls: Arc::clone(&calls),
    });
    let credentials = Credentials::new(environment, "test", None, None, "tests");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(address)
        .retry_config(RetryConfig::standard())
        // Measured by the same sleep, so a hundred times too early.
        .timeout_config(TimeoutConfig::disabled())
        .sleep_impl(SharedAsyncSleep::new(FastSleep))
        .http_client(client(connector))
        .build();
    (config, calls)
}

pub(crate) fn client(connector: SharedHttpConnector) -> SharedHttpClient {
    SharedHttpClient::new(http_client_fn(move |_, _| connector.clone()))
}

/// Sleeps for a hundredth of the requested time, so that waits of minutes take seconds.
#[derive(Debug)]
struct FastSleep;

impl AsyncSleep for FastSleep {
    fn sleep(&self, time: Duration) -> Sleep {
        Sleep::new(tokio::time::sleep(time / 100))
    }
}

struct Connector {
    http: reqwest::Client,
    script: Script,
    calls: Calls,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = request.body().bytes().unwrap_or_default().to_vec();
        let text = String::from_utf8_lossy(&body).into_owned();
        let in_body = || {
            text.split('&')
                .find_map(|pair| pair.strip_prefix("Action="))
                .map(str::to_owned)
        };
        let target = request
            .headers()
            .get("x-amz-target")
            .and_then(|target| target.rsplit('.').next());
        let of_s3 = || {
            let signed = request.headers().get("authorization")?.contains("/s3/aws4_request");
            let path = request.uri().splitn(4, '/').nth(3)?;
            let path = path.split("?x-id=").next()?.split("&x-id=").next()?;
            signed.then(|| format!("{} /{path}", request.method()))
        };
        let action = of_s3().or_else(|| target.map(str::to_owned)).or_else(in_body);
        let action = action.unwrap_or_default();
        let number = {
            let mut calls = self.calls.lock().unwrap();
            let count = calls.entry(action.clone()).or_default();
            *count += 1;
            *count - 1
        };
        let recorded = RecordedRequest {
            action,
            number,
            body: text,
            sets_ownership: request.headers().get("x-amz-object-ownership").is_some(),
        };
        if let Some(response) = (self.script)(&recorded) {
            let status = response.status.try_into().unwrap();
            let mut scripted = HttpResponse::new(status, response.body.into());
            if let Some(region) = response.bucket_region {
                scripted.headers_mut().insert("x-amz-bucket-region", region);
            }
            return HttpConnectorFuture::ready(Ok(scripted));
        }
        let mut stored_template = self
            .http
            .request(request.method().parse().unwrap(), request.uri())
            .body(body);
        for (name, value) in request.headers() {
            stored_template = stored_template.header(name, value);
        }
        HttpConnectorFuture::new(async move {
            let broken = |error: reqwest::Error| ConnectorError::io(error.into());
            let response = stored_template.send().await.map_err(broken)?;
            let status = response.status().as_u16();
            let headers = response.headers().clone();
            let body = response.bytes().await.map_err(broken)?;
            let mut forwarded = HttpResponse::new(status.try_into().unwrap(), body.into());
            for (name, value) in &headers {
                let value = value.to_str().unwrap().to_owned();
                forwarded.headers_mut().insert(name.as_str().to_owned(), value);
            }
            Ok(forwarded)
        })
    }
}
