//! Calls of AWS APIs with the protocol AWS JSON: ECS, CloudWatch Logs, ECR, Service Quotas, Cloud Control, Systems Manager,
//! Secrets Manager.
//!
//! They run on the SDK's runtime (`aws-smithy-runtime`, `aws-runtime`): credentials, Signature Version 4, retries, time
//! limits and the correction of the clock are those of the generated clients. Only the generated types are missing: a
//! handful of calls with a few fields each does not justify half a dozen more SDK crates in the build.

use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::invocation_id::InvocationIdInterceptor;
use aws_runtime::request_info::RequestInfoInterceptor;
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_runtime::service_clock_skew::{ServiceClockSkewClassifier, ServiceClockSkewInterceptor};
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier};
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::{
    AuthSchemeOptionResolverParams, SharedAuthScheme, SharedAuthSchemeOptionResolver,
};
use aws_smithy_runtime_api::client::identity::{SharedIdentityCache, SharedIdentityResolver};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::metadata::ErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_types::SdkConfig;
use aws_types::SigningName;
use aws_types::region::{Region, SigningRegion};
use aws_types::service_config::ServiceConfigKey;
use serde_json::Value as Json;

use super::environment::Environment;
use super::error::Error;

/// An AWS service with a JSON API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct JsonService {
    /// The service ID of the SDKs, which names its endpoint setting: `ECS`.
    id: &'static str,
    /// The service prefix of IAM actions: `ecs`.
    pub(super) prefix: &'static str,
    /// The name of the service in signatures.
    signing: &'static str,
    /// The version of the protocol in the content type.
    version: &'static str,
    /// The first label of its endpoint.
    host: &'static str,
    /// The same for endpoints with FIPS 140.
    fips_host: &'static str,
    /// The prefix of `X-Amz-Target`.
    target: &'static str,
}

/// Hosts: AWS General Reference, "Service endpoints and quotas"; targets: the services' API models (read 2026-11-30).
pub(super) const ECS: JsonService = JsonService {
    id: "ECS",
    prefix: "ecs",
    signing: "ecs",
    version: "1.1",
    host: "ecs",
    fips_host: "ecs-fips",
    target: "AmazonEC2ContainerServiceV20141113",
};
pub(super) const LOGS: JsonService = JsonService {
    id: "CloudWatch Logs",
    prefix: "logs",
    signing: "logs",
    version: "1.1",
    host: "logs",
    fips_host: "logs-fips",
    target: "Logs_20140328",
};
pub(super) const ECR: JsonService = JsonService {
    id: "ECR",
    prefix: "ecr",
    signing: "ecr",
    version: "1.1",
    host: "api.ecr",
    fips_host: "ecr-fips",
    target: "AmazonEC2ContainerRegistry_V20150921",
};

pub(super) const SERVICE_QUOTAS: JsonService = JsonService {
    id: "Service Quotas",
    prefix: "servicequotas",
    signing: "servicequotas",
    version: "1.1",
    host: "servicequotas",
    fips_host: "servicequotas-fips",
    target: "ServiceQuotasV20190624",
};
pub(super) const SSM: JsonService = JsonService {
    id: "SSM",
    prefix: "ssm",
    signing: "ssm",
    version: "1.1",
    host: "ssm",
    fips_host: "ssm-fips",
    target: "AmazonSSM",
};
pub(super) const SECRETS_MANAGER: JsonService = JsonService {
    id: "Secrets Manager",
    prefix: "secretsmanager",
    signing: "secretsmanager",
    version: "1.1",
    host: "secretsmanager",
    fips_host: "secretsmanager-fips",
    target: "secretsmanager",
};
/// Its IAM actions are CloudFormation's.
pub(super) const CLOUD_CONTROL: JsonService = JsonService {
    id: "CloudControl",
    prefix: "cloudformation",
    signing: "cloudcontrolapi",
    version: "1.0",
    host: "cloudcontrolapi",
    fips_host: "cloudcontrolapi-fips",
    target: "CloudApiService",
};

impl JsonService {
    /// The endpoint in a region.
    fn endpoint(&self, config: &SdkConfig, region: &str) -> String {
        let key = ServiceConfigKey::builder()
            .service_id(self.id)
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build();
        let of_service = key.ok().and_then(|key| config.service_config()?.load_config(key));
        if let Some(url) = of_service.or_else(|| config.endpoint_url().map(str::to_owned)) {
            return url;
        }
        let fips = config.use_fips().unwrap_or_default();
        let host = if fips { self.fips_host } else { self.host };
        format!(
            "https://{host}.{region}.{}",
            domain(region, config.use_dual_stack().unwrap_or_default())
        )
    }
}

/// The DNS suffix of a region's partition.
pub(super) fn domain(region: &str, dual_stack: bool) -> &'static str {
    match (region, dual_stack) {
        (cn, true) if cn.starts_with("cn-") => "api.amazonwebservices.com.cn",
        (cn, false) if cn.starts_with("cn-") => "amazonaws.com.cn",
        (eu, _) if eu.starts_with("eusc-") => "amazonaws.eu",
        (secret, _) if secret.starts_with("us-isob-") => "sc2s.sgov.gov",
        (secret, _) if secret.starts_with("us-iso-") => "c2s.ic.gov",
        (_, true) => "api.aws",
        (_, false) => "amazonaws.com",
    }
}

/// Sends calls to the JSON APIs of one account and region.
#[derive(Debug, Clone)]
pub(super) struct JsonClient {
    config: SdkConfig,
    region: Region,
    credentials: SharedIdentityCache,
}

impl JsonClient {
    pub(super) fn new(config: &SdkConfig, region: Region) -> Self {
        Self {
            config: config.clone(),
            region,
            credentials: config.identity_cache().unwrap_or_else(|| IdentityCache::lazy().build()),
        }
    }

    /// Sends one call.
    async fn send(
        &self,
        service: JsonService,
        action: &'static str,
        body: &Json,
    ) -> Result<Json, SdkError<ErrorMetadata, HttpResponse>> {
        let config = &self.config;
        let mut builder = Operation::builder()
            .service_name(service.id)
            .operation_name(action)
            .endpoint_url(&service.endpoint(config, self.region.as_ref()))
            .standard_retry(config.retry_config().unwrap_or(&RetryConfig::standard()))
            .retry_classifier(HttpStatusCodeClassifier::default())
            .retry_classifier(TransientErrorClassifier::<ErrorMetadata>::new())
            .retry_classifier(AwsErrorCodeClassifier::<ErrorMetadata>::new())
            .retry_classifier(ServiceClockSkewClassifier::<ErrorMetadata>::new())
            .interceptor(ServiceClockSkewInterceptor::new())
            .interceptor(RequestInfoInterceptor::new())
            .interceptor(InvocationIdInterceptor::new())
            .with_connection_poisoning()
            .runtime_plugin(self.signing(service));
        if let Some(timeouts) = config.timeout_config() {
            builder = builder.timeout_config(timeouts.clone());
        }
        if let Some(http) = config.http_client() {
            builder = builder.http_client(http);
        }
        if let Some(sleep) = config.sleep_impl() {
            builder = builder.sleep_impl(sleep);
        }
        if let Some(time) = config.time_source() {
            builder = builder.time_source(time);
        }
        let operation = builder
            .serializer(move |body: String| {
                let mut request = HttpRequest::new(SdkBody::from(body));
                request.set_method("POST")?;
                request.set_uri("/")?;
                let headers = request.headers_mut();
                headers.insert("content-type", format!("application/x-amz-json-{}", service.version));
                headers.insert("x-amz-target", format!("{}.{action}", service.target));
                Ok(request)
            })
            .deserializer(read)
            .build();
        operation.invoke(body.to_string()).await
    }

    /// Signature Version 4 with the credentials of the configuration.
    fn signing(&self, service: JsonService) -> StaticRuntimePlugin {
        let mut layer = Layer::new("signing");
        layer.store_put(AuthSchemeOptionResolverParams::new(()));
        layer.store_put(SigningName::from_static(service.signing));
        layer.store_put(SigningRegion::from(self.region.clone()));
        layer.store_put(self.region.clone());
        layer.store_put(SigV4OperationSigningConfig {
            region: Some(SigningRegion::from(self.region.clone())),
            name: Some(SigningName::from_static(service.signing)),
            ..SigV4OperationSigningConfig::default()
        });
        let mut components = RuntimeComponentsBuilder::new("signing");
        components.set_auth_scheme_option_resolver(Some(SharedAuthSchemeOptionResolver::new(
            StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]),
        )));
        components.push_auth_scheme(SharedAuthScheme::new(SigV4AuthScheme::new()));
        components.set_identity_cache(Some(self.credentials.clone()));
        if let Some(credentials) = self.config.credentials_provider() {
            components.set_identity_resolver(SCHEME_ID, SharedIdentityResolver::new(credentials));
        }
        StaticRuntimePlugin::new()
            .with_config(layer.freeze())
            .with_runtime_components(components)
    }
}

/// The document of a response, or the error code and message of a rejection.
fn read(response: &HttpResponse) -> Result<Json, OrchestratorError<ErrorMetadata>> {
    let body = response.body().bytes().unwrap_or_default();
    let document = serde_json::from_slice::<Json>(body);
    if response.status().is_success() {
        return document.map_err(OrchestratorError::other);
    }
    let document = document.unwrap_or_default();
    let text = |names: &[&str]| names.iter().find_map(|name| document[name].as_str());
    let code = response.headers().get("x-amzn-errortype").or(text(&["__type", "code"]));
    // `com.amazonaws.ecs#AccessDeniedException`, or `AccessDeniedException:http://…`.
    let code = code.map(|code| code.rsplit('#').next().unwrap_or(code));
    let code = code.map(|code| code.split(':').next().unwrap_or(code));
    let mut error = ErrorMetadata::builder();
    if let Some(code) = code {
        error = error.code(code);
    }
    if let Some(message) = text(&["message", "Message"]) {
        error = error.message(message);
    }
    Err(OrchestratorError::operation(error.build()))
}

impl Environment {
    /// Calls an action about a resource, such as "service `web`".
    pub(super) async fn json_call(
        &self,
        service: JsonService,
        action: &'static str,
        resource: &str,
        body: &Json,
    ) -> Result<Json, Error> {
        let response = self.json().send(service, action, body).await;
        response.map_err(|error| self.service_error(service.prefix, action, resource, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_follows_region_and_configuration() {
        let plain = SdkConfig::builder().build();
        for (service, region, expected) in [
            (ECS, "eu-west-1", "https://ecs.eu-west-1.amazonaws.com"),
            (ECR, "us-east-2", "https://api.ecr.us-east-2.amazonaws.com"),
            (LOGS, "cn-north-1", "https://logs.cn-north-1.amazonaws.com.cn"),
        ] {
            assert_eq!(service.endpoint(&plain, region), expected);
        }
        let fips = SdkConfig::builder().use_fips(true).build();
        assert_eq!(
            ECR.endpoint(&fips, "us-east-1"),
            "https://ecr-fips.us-east-1.amazonaws.com"
        );
        let dual = SdkConfig::builder().use_dual_stack(true).build();
        assert_eq!(ECS.endpoint(&dual, "us-east-1"), "https://ecs.us-east-1.api.aws");
        let emulator = SdkConfig::builder().endpoint_url("http://127.0.0.1:1").build();
        assert_eq!(ECS.endpoint(&emulator, "us-east-1"), "http://127.0.0.1:1");
    }

    #[test]
    fn error_codes_are_read_from_header_and_body() {
        let response = |header: Option<&'static str>, body: &'static str| {
            let mut response = HttpResponse::new(400_u16.try_into().unwrap(), SdkBody::from(body));
            if let Some(header) = header {
                response.headers_mut().insert("x-amzn-errortype", header);
            }
            let error = read(&response).unwrap_err();
            let error = error.as_operation_error().unwrap().clone();
            (
                error.code().unwrap_or_default().to_owned(),
                error.message().unwrap_or_default().to_owned(),
            )
        };
        let expected = ("AccessDeniedException".to_owned(), "no".to_owned());
        for (header, body) in [
            (
                None,
                r#"{"__type":"com.amazonaws.ecs#AccessDeniedException","message":"no"}"#,
            ),
            (Some("AccessDeniedException:http://internal"), r#"{"Message":"no"}"#),
        ] {
            assert_eq!(response(header, body), expected);
        }
        assert_eq!(response(None, "<html>"), (String::new(), String::new()));
    }
}
