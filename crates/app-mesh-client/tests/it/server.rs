//! A server of the API on loopback, with or without key pairs.

use app_mesh_api::{Authentication, KeyPairs, MemoryStore, Quotas, RateLimits, Service, Settings, router};
use app_mesh_client::ApiClient;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;

pub(crate) const SECRET: &str = "WlV0VkXkqDxw5YuS8tQSt7TUdbvHFQyJ8TmYFVg3";

/// A server that ends with the test's runtime. Returns a client of it.
pub(crate) async fn start(has_keys: bool) -> ApiClient {
    let settings = Settings {
        quotas: Quotas::unlimited(),
        ..Settings::default()
    };
    let service = Service::open(MemoryStore::default(), settings.clone())
        .await
        .expect("an empty store");
    let mut api = router(service);
    if has_keys {
        let keys =
            format!(r#"{{"keys": [{{"accessKeyId": "A", "secretAccessKey": "{SECRET}", "access": "read-write"}}]}}"#);
        let keys = KeyPairs::parse("keys", keys.as_bytes()).expect("key pairs");
        api = Authentication::new(keys, &settings, RateLimits::default()).protect(api);
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let served = api.into_make_service_with_connect_info::<std::net::SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, served).await });
    ApiClient::new(&config("A", SECRET), url)
}

pub(crate) fn config(id: &str, secret: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            id, secret, None, None, "test",
        )))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build()
}
