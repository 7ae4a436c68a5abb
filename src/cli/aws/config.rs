//! AWS configuration: region, credentials and endpoint, resolved like the AWS CLI does.

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

use aws_credential_types::provider::SharedCredentialsProvider;

use mesh_infra::deploy::with_timeouts;

use super::slow_response;
use crate::cli::aws_args::AwsTarget;
use crate::console::Console;

/// The TLS stack of the whole program.
pub(crate) const TLS: Provider = Provider::Rustls(CryptoMode::Ring);

/// Options of the command line first, then the SDK's default chain: environment, profile, single sign-on, credential
/// process, container and instance metadata. Every call has time limits, and the console shows when AWS does not respond.
pub(crate) async fn load(target: &AwsTarget, console: &Console) -> SdkConfig {
    let http = Builder::new().tls_provider(TLS).build_https();
    let http = slow_response::reporting(http, console.clone());
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http.clone());
    if let Some(region) = &target.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(profile) = &target.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(url) = &target.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    let config = with_timeouts(&loader.load().await);
    let Some(profile) = &target.profile else {
        return config;
    };
    // An explicit profile takes precedence over keys in the environment.
    let provider_config = ProviderConfig::without_region()
        .with_http_client(http)
        .with_region(config.region().cloned());
    let credentials = ProfileFileCredentialsProvider::builder()
        .configure(&provider_config)
        .profile_name(profile)
        .build();
    let credentials = SharedCredentialsProvider::new(credentials);
    config.into_builder().credentials_provider(credentials).build()
}
