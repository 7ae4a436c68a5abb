//! AWS clients, with timeouts and without a host prefix for custom endpoints.

use std::time::Duration;

use aws_sdk_servicediscovery::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_servicediscovery::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_servicediscovery::error::BoxError;
use aws_sdk_ssm::config::timeout::TimeoutConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::endpoint::EndpointPrefix;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::SdkConfig;
use aws_types::endpoint_config::EndpointUrl;

/// An HTTP client for the SDK: rustls with ring, and the certificates of the machine. It ignores proxy variables.
#[must_use]
pub fn http_client() -> SharedHttpClient {
    let builder = aws_smithy_http_client::Builder::new();
    builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}

/// Clients of Parameter Store and Cloud Map.
#[derive(Debug, Clone)]
pub struct Clients {
    pub(crate) parameters: aws_sdk_ssm::Client,
    pub(crate) discovery: aws_sdk_servicediscovery::Client,
}

impl Clients {
    /// Clients with the region, credentials, endpoints, retries and HTTP client of `config`. The timeout is 10 s for a
    /// call and 3 s for an attempt, whatever `config` has: without one, a silently broken connection would never be
    /// noticed.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(2))
            .operation_attempt_timeout(Duration::from_secs(3))
            .operation_timeout(Duration::from_secs(10))
            .build();
        let parameters = aws_sdk_ssm::config::Builder::from(config).timeout_config(timeouts.clone());
        let discovery = aws_sdk_servicediscovery::config::Builder::from(config)
            .timeout_config(timeouts)
            .interceptor(EndpointAsItIs);
        Self {
            parameters: aws_sdk_ssm::Client::from_conf(parameters.build()),
            discovery: aws_sdk_servicediscovery::Client::from_conf(discovery.build()),
        }
    }
}

/// Removes the prefix `data-` from the host of a configured endpoint.
///
/// AWS serves `DiscoverInstances` and `DiscoverInstancesRevision` from hosts of their own, and the SDK prefixes the
/// host of every endpoint, even `data-127.0.0.1` and the name of a VPC endpoint. A configured endpoint is used as it
/// is.
#[derive(Debug)]
struct EndpointAsItIs;

impl Intercept for EndpointAsItIs {
    fn name(&self) -> &'static str {
        "EndpointAsItIs"
    }

    /// Runs after the operation has set its prefix, and before the endpoint is put into the request.
    fn read_after_serialization(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if config.load::<EndpointUrl>().is_some() {
            config.interceptor_state().unset::<EndpointPrefix>();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, PoisonError};

    use aws_sdk_ssm::config::retry::RetryConfig;
    use aws_sdk_ssm::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
    use aws_smithy_runtime_api::client::http::{
        HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
    };
    use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
    use aws_smithy_runtime_api::client::result::ConnectorError;

    use super::*;

    /// Records the hosts of requests, and responds to none.
    #[derive(Debug, Clone, Default)]
    struct Noting(Arc<Mutex<Vec<String>>>);

    impl HttpConnector for Noting {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.push(request.uri().to_owned());
            HttpConnectorFuture::ready(Err(ConnectorError::user("for a test".into())))
        }
    }

    async fn goes_to(endpoint: Option<&str>) -> Vec<String> {
        let noting = Noting::default();
        let connector = SharedHttpConnector::new(noting.clone());
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "a", "b", None, None, "tests",
            )))
            .retry_config(RetryConfig::disabled())
            .http_client(http_client_fn(move |_, _| connector.clone()));
        config.set_endpoint_url(endpoint.map(str::to_owned));
        let discovery = Clients::new(&config.build()).discovery;
        let instances = discovery.discover_instances().namespace_name("n").service_name("s");
        instances.send().await.expect_err("no response");
        let revision = discovery
            .discover_instances_revision()
            .namespace_name("n")
            .service_name("s");
        revision.send().await.expect_err("no response");
        noting.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    #[tokio::test]
    async fn an_endpoint_that_was_configured_is_asked_as_it_is_and_awss_own_with_its_prefix() {
        assert_eq!(
            goes_to(Some("http://127.0.0.1:4566")).await,
            ["http://127.0.0.1:4566/"; 2]
        );
        let own = "https://data-servicediscovery.eu-west-1.amazonaws.com/";
        assert_eq!(goes_to(None).await, [own; 2]);
    }
}
