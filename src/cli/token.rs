//! `token`: tokens with which Envoys prove which node they are.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use mesh_control::access::{Claims, TokenKeysError};
use mesh_control::{NodeGrant, TokenKeys, token_secret};

#[derive(Debug, Args)]
pub(crate) struct TokenArguments {
    /// Keys of tokens, as for serve
    #[arg(long, value_name = "FILE", env = "MESHWRIGHT_XDS_TOKEN_KEY")]
    xds_token_key: PathBuf,
    /// Node as which the holder may act: mesh/MESH/virtualNode/NAME, mesh/MESH/virtualGateway/NAME, mesh/MESH/*,
    /// service/CLUSTER/SERVICE, loadBalancer/NAME or * (repeatable)
    #[arg(long = "node", value_name = "NODE", required = true)]
    nodes: Vec<NodeGrant>,
    /// Validity, such as 30d or 12h
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    valid_for: Duration,
    /// Name of the holder in messages and logs. Default: the first node
    #[arg(long, value_name = "NAME")]
    subject: Option<String>,
    /// Print the file for an Envoy whose bootstrap reads its token from a file, instead of the token alone
    #[arg(long)]
    envoy_secret: bool,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenCommandError {
    #[error(transparent)]
    Keys(#[from] TokenKeysError),
    #[error("--valid-for is too long")]
    TooLong,
}

impl TokenArguments {
    /// The text to print.
    pub(crate) fn issue(self) -> Result<String, TokenCommandError> {
        let keys = TokenKeys::read(self.xds_token_key)?;
        let claims = Claims::valid_for(self.valid_for, self.subject, self.nodes);
        let token = keys.issue(&claims.ok_or(TokenCommandError::TooLong)?);
        Ok(match self.envoy_secret {
            true => token_secret(&token),
            false => format!("{token}\n"),
        })
    }
}
