//! Arguments about stored configurations.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use config_store::{Bucket, Location, SigningKey, Store};
use mesh_control_aws::ConfigStore;

use crate::load_config;

/// Where to store what Envoys accept.
#[derive(Debug, Args)]
#[command(next_help_heading = "Stored configurations")]
pub(crate) struct StoreArguments {
    /// Store for the configurations that Envoys have accepted, shared by replicas: s3://BUCKET/PREFIX, or a folder. Agents
    /// serve them to Envoys that start while no replica answers; a replica that has no answer from AWS 5 s after its start
    /// serves them, too.
    #[arg(long, env = "MESHWRIGHT_STORE", value_name = "STORE", requires = "signing_key")]
    store: Option<Location>,
    /// Private key that signs them, in PEM, as `mesh-control keygen` writes it: a file, or env:NAME for an environment
    /// variable.
    #[arg(long, env = "MESHWRIGHT_STORE_SIGNING_KEY", value_name = "FILE", requires = "store")]
    signing_key: Option<String>,
    /// Time after which a stored configuration is not served any more.
    #[arg(long, env = "MESHWRIGHT_STORE_MAX_AGE", value_name = "TIME", default_value = "7days", value_parser = humantime::parse_duration)]
    store_max_age: Duration,
}

impl StoreArguments {
    pub(crate) async fn open(&self) -> Result<Option<ConfigStore>, String> {
        let (Some(location), Some(key)) = (&self.store, &self.signing_key) else {
            return Ok(None);
        };
        let key = SigningKey::load(key).map_err(|error| error.to_string())?;
        let store = match location {
            Location::Folder(path) => Store::folder(path),
            Location::Bucket(bucket) => {
                // Its HTTP client and credentials are its own.
                let opened = Bucket::new(&load_config().await, bucket.clone());
                opened.map_err(|error| format!("cannot use {bucket}: {error}"))?.into()
            }
        };
        Ok(Some(ConfigStore::new(store, key, self.store_max_age)))
    }
}

/// Files of a new key pair.
#[derive(Debug, Args)]
pub(crate) struct KeygenArguments {
    /// New file for the private key, for `--signing-key`; mode 0600.
    #[arg(value_name = "PRIVATE")]
    private: PathBuf,
    /// New file for the public key, for agents.
    #[arg(value_name = "PUBLIC")]
    public: PathBuf,
}

impl KeygenArguments {
    pub(crate) fn generate(&self) -> Result<(), String> {
        let key = SigningKey::generate(&self.private, &self.public);
        key.map(drop).map_err(|error| error.to_string())
    }
}
