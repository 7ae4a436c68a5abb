//! App Mesh's API in front of a DynamoDB table: any number of control planes serve one.

use std::net::SocketAddr;
use std::sync::Arc;

use app_mesh_api::auth::{Authentication, KeyLocation, KeySource, RateLimits, loopback_only};
use app_mesh_api::claims::ParameterClaims;
use app_mesh_api::server::{self, Limits};
use app_mesh_api::store::DynamoDbStore;
use app_mesh_api::{Extensions, Service, Settings, router};
use aws_config::SdkConfig;
use clap::Args;
use mesh_control_aws::ApiMeshes;
use tokio::net::TcpListener;

#[derive(Debug, Args)]
pub(crate) struct ApiArguments {
    /// DynamoDB table with meshes of App Mesh's API, which this control plane serves, beside those of --mesh.
    #[arg(long, env = "MESHWRIGHT_DYNAMODB", value_name = "TABLE")]
    pub(crate) dynamodb: Option<String>,
    /// Listen address of App Mesh's API, without TLS: restrict access, or put a load balancer with TLS in front. Beyond
    /// loopback it requires --keys. Only with --dynamodb.
    #[arg(long, env = "MESHWRIGHT_API", value_name = "ADDR", default_value = "127.0.0.1:18002")]
    api: SocketAddr,
    /// Key pairs that requests of the API must be signed with (AWS Signature Version 4): a file that only its owner can
    /// read, or `secretsmanager:` and the name or ARN of a secret. Read again when they change. Default: none.
    #[arg(long, env = "MESHWRIGHT_KEYS", value_name = "FILE")]
    keys: Option<KeyLocation>,
    /// AWS account in ARNs of the API, 12 digits.
    #[arg(long, env = "MESHWRIGHT_ACCOUNT", value_name = "ACCOUNT", default_value = "000000000000", value_parser = account)]
    account: String,
}

/// The API of one process.
#[derive(Debug)]
pub(crate) struct Api {
    service: Service,
    listener: TcpListener,
    keys: Option<(KeySource, Authentication)>,
}

impl ApiArguments {
    /// Opens the table and listens, if there is a table.
    pub(crate) async fn open(&self, config: &SdkConfig) -> Result<Option<Api>, String> {
        let Some(table) = &self.dynamodb else {
            return Ok(None);
        };
        if self.keys.is_none() && !self.api.ip().is_loopback() {
            return Err(format!(
                "cannot serve the API at {} without authentication; give --keys, or a loopback address",
                self.api
            ));
        }
        let settings = Settings {
            account: self.account.clone(),
            ..Settings::default()
        };
        let settings = settings.in_region(config.region().map(ToString::to_string).unwrap_or_default());
        let keys = match &self.keys {
            Some(location) => {
                let source = KeySource::at(location, config);
                let pairs = source.read().await.map_err(|error| chain(&error))?;
                Some((source, Authentication::new(pairs, &settings, RateLimits::default())))
            }
            None => None,
        };
        let listener = TcpListener::bind(self.api).await;
        let listener = listener.map_err(|error| format!("cannot listen on {} for the API: {error}", self.api))?;
        let store = DynamoDbStore::from_config(config, table);
        let extensions = Extensions {
            // No stack gets a mesh of the same name.
            claims: Some(Arc::new(ParameterClaims::from_config(config, store.place()))),
            ..Extensions::default()
        };
        let service = Service::open_with(store, settings, extensions).await;
        Ok(Some(Api {
            service: service.map_err(|error| chain(&error))?,
            listener,
            keys,
        }))
    }
}

impl Api {
    /// Its meshes: now, and after each change.
    pub(crate) fn meshes(&self) -> ApiMeshes {
        self.service.subscribe()
    }

    /// Serves until `stop` ends and open requests are completed.
    pub(crate) async fn serve(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), String> {
        let Self {
            service,
            listener,
            keys,
        } = self;
        match listener.local_addr() {
            Ok(api) => tracing::info!(%api, "serving App Mesh's API"),
            Err(error) => tracing::warn!("the address of the API is not known: {error}"),
        }
        let stopped = service.clone();
        let api = router(service);
        let renewing = async {
            match &keys {
                Some((source, authentication)) => source.renew(authentication).await,
                None => std::future::pending().await,
            }
        };
        let api = match &keys {
            Some((_, authentication)) => authentication.protect(api),
            None => loopback_only(api),
        };
        tokio::select! {
            () = server::serve(listener, api, Limits::default(), stop) => Ok(()),
            () = stopped.stopped() => Err("the task that writes the meshes of the API has ended; see the log".to_owned()),
            () = renewing => Err("the renewal of the API's key pairs has ended; see the log".to_owned()),
        }
    }
}

fn account(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("expected 12 digits".to_owned())
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
