//! Buckets on MiniStack, started with the first test and stopped after the last.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{
    AsyncSleep, BehaviorVersion, Credentials, Region, SharedAsyncSleep, SharedCredentialsProvider, Sleep,
};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_types::SdkConfig;
use config_store::{Bucket, Store};
use testkit::Server;

/// The account of one test, with a bucket.
pub(crate) struct Account {
    config: SdkConfig,
    name: String,
    /// The server, if tests share it.
    _shared: Option<Arc<Server>>,
}

impl Account {
    /// A new account with this bucket.
    pub(crate) fn open(name: &str) -> Self {
        static RUNNING: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let tools = testkit::python_tools();
        let shared = Server::shared(&RUNNING, || Server::ministack(tools)).unwrap_or_else(|error| panic!("{error}"));
        let account = Self::on(shared.address(), name);
        Self {
            _shared: Some(shared),
            ..account
        }
    }

    /// As [`Account::open`], on a server of the test.
    pub(crate) fn on(address: &str, name: &str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(300_000_000_000);
        let id = NEXT.fetch_add(1, Ordering::Relaxed).to_string();
        let account = Self {
            config: config(address, &id),
            name: name.to_owned(),
            _shared: None,
        };
        account.create_bucket();
        account
    }

    /// A store at this prefix of the bucket.
    pub(crate) fn store(&self, prefix: &str) -> Store {
        self.bucket(prefix).into()
    }

    /// The bucket at this prefix.
    pub(crate) fn bucket(&self, prefix: &str) -> Bucket {
        self.bucket_named(&self.name, prefix)
    }

    /// Another bucket.
    pub(crate) fn bucket_named(&self, name: &str, prefix: &str) -> Bucket {
        let place = format!("s3://{name}/{prefix}").parse().expect("a place");
        let config = self.config.to_builder().http_client(http_client()).build();
        Bucket::new(&config, place).expect("a thread")
    }

    fn create_bucket(&self) {
        let config = aws_sdk_s3::config::Builder::from(&self.config).force_path_style(true);
        let client = aws_sdk_s3::Client::from_conf(config.build());
        let location = aws_sdk_s3::types::CreateBucketConfiguration::builder()
            .location_constraint(aws_sdk_s3::types::BucketLocationConstraint::EuWest1);
        let creation = client.create_bucket().bucket(&self.name);
        let creation = creation.create_bucket_configuration(location.build());
        // Some callers are in a runtime.
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let created = runtime.expect("a runtime").block_on(creation.send());
                created.expect("a bucket");
            });
        });
    }
}

fn http_client() -> aws_sdk_s3::config::SharedHttpClient {
    let builder = aws_smithy_http_client::Builder::new();
    builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}

fn config(address: &str, account: &str) -> SdkConfig {
    let credentials = Credentials::new(account, "secret", None, None, "tests");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(address)
        .http_client(http_client())
        .sleep_impl(SharedAsyncSleep::new(TokioSleep))
        .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(10)))
        .build()
}

#[derive(Debug)]
struct TokioSleep;

impl AsyncSleep for TokioSleep {
    fn sleep(&self, time: Duration) -> Sleep {
        Sleep::new(tokio::time::sleep(time))
    }
}
