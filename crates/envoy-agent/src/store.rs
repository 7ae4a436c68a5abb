//! The store of the options: a folder, or, with the feature `s3`, a bucket.

use config_store::{Location, Store};

/// Opens a store, which need not have anything yet.
pub(crate) async fn open(location: Location) -> Result<Store, String> {
    match location {
        Location::Folder(path) => Ok(Store::folder(path)),
        #[cfg(feature = "s3")]
        Location::Bucket(bucket) => {
            let config = config().await;
            if config.region().is_none() {
                return Err(format!("cannot use {bucket}: no region; set AWS_REGION"));
            }
            let opened = config_store::Bucket::new(&config, bucket.clone());
            opened
                .map(Into::into)
                .map_err(|error| format!("cannot use {bucket}: {error}"))
        }
        #[cfg(not(feature = "s3"))]
        Location::Bucket(bucket) => Err(format!(
            "cannot use {bucket}: this envoy-agent was built without S3; build it with --features s3"
        )),
    }
}

/// The standard AWS settings, with an HTTP client of rustls with ring. It is used by the bucket only.
#[cfg(feature = "s3")]
async fn config() -> aws_config::SdkConfig {
    use aws_smithy_http_client::tls::Provider;
    use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

    let client = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    aws_config::defaults(aws_config::BehaviorVersion::latest())
        .http_client(client.build_https())
        .load()
        .await
}
