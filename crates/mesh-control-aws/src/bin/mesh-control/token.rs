//! The verbs `token` and `role-token`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use mesh_control::access::Claims;
use mesh_control::{NodeGrant, TokenKeys, token_secret};
use mesh_control_aws::write_token_file;
use stop_signals::StopSignals;

/// Signs a token with the first key of a key file.
#[derive(Debug, Args)]
pub(crate) struct TokenArguments {
    /// Keys of tokens, as for the control plane.
    #[arg(long, env = "MESHWRIGHT_XDS_TOKEN_KEY", value_name = "FILE")]
    xds_token_key: PathBuf,
    /// Node as which the holder may act: mesh/MESH/virtualNode/NAME, mesh/MESH/virtualGateway/NAME, mesh/MESH/*,
    /// service/CLUSTER/SERVICE, loadBalancer/NAME or *. Repeatable.
    #[arg(long = "node", value_name = "NODE", required = true)]
    nodes: Vec<NodeGrant>,
    /// Validity, such as 30d or 12h.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    valid_for: Duration,
    /// Name of the holder in messages and logs. Default: the first node.
    #[arg(long, value_name = "NAME")]
    subject: Option<String>,
    /// Print the file for an Envoy whose bootstrap reads its token from a file, instead of the token alone.
    #[arg(long)]
    envoy_secret: bool,
}

impl TokenArguments {
    pub(crate) fn print(self) -> Result<(), String> {
        let keys = TokenKeys::read(self.xds_token_key).map_err(|error| error.to_string())?;
        let claims = Claims::valid_for(self.valid_for, self.subject, self.nodes);
        let token = keys.issue(&claims.ok_or("--valid-for is too long")?);
        if self.envoy_secret {
            print!("{}", token_secret(&token));
        } else {
            println!("{token}");
        }
        Ok(())
    }
}

/// Writes tokens of the task's role.
#[derive(Debug, Args)]
pub(crate) struct RoleTokenArguments {
    /// Name of the control plane, as it has it in --xds-roles.
    #[arg(long, env = "MESHWRIGHT_XDS_ROLES", value_name = "NAME")]
    name: String,
    /// File for the Envoy, with mode 0600; renewed every 8 minutes.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

impl RoleTokenArguments {
    pub(crate) async fn run(self) -> Result<(), String> {
        let mut signals = StopSignals::listen().map_err(|error| format!("cannot listen for signals: {error}"))?;
        let config = crate::load_config().await;
        tokio::select! {
            outcome = write_token_file(&config, &self.name, &self.output) => outcome.map_err(|error| error.to_string()),
            _signal = signals.next() => Ok(()),
        }
    }
}
