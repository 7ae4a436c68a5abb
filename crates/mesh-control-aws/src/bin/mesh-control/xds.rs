//! Arguments about access to the xDS port.

use std::path::PathBuf;

use clap::Args;
use clap::builder::FalseyValueParser;
use mesh_control::CertificateFiles;
use mesh_control::access::{AllowedNode, XdsProtection};

use crate::secret_file;

/// Who may use the xDS port.
#[derive(Debug, Args)]
#[command(next_help_heading = "Access of Envoys")]
pub(crate) struct XdsArguments {
    /// Certificate chain of the xDS port in PEM: a file, which is read again when it changes, or env:NAME for an environment
    /// variable.
    #[arg(long, env = "MESHWRIGHT_TLS_CERTIFICATE", value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// Private key of the certificate, in PEM: a file, or env:NAME.
    #[arg(long, env = "MESHWRIGHT_TLS_KEY", value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// A load balancer in front terminates TLS: serve Envoys beyond loopback without TLS.
    #[arg(long, conflicts_with = "tls_certificate")]
    behind_load_balancer: bool,
    /// CA certificates of Envoys in PEM: a client certificate with the SPIFFE ID
    /// spiffe://DOMAIN/mesh/MESH/virtualNode/NAME is good for that node. Read again when the file changes.
    #[arg(
        long,
        env = "MESHWRIGHT_XDS_CLIENT_CA",
        value_name = "FILE",
        requires = "tls_certificate"
    )]
    xds_client_ca: Option<PathBuf>,
    /// Keys of tokens, one in each line, in hexadecimal digits; a file that only its owner can read. The first one signs,
    /// all are accepted. Read again when the file changes.
    #[arg(long, env = "MESHWRIGHT_XDS_TOKEN_KEY", value_name = "FILE")]
    xds_token_key: Option<PathBuf>,
    /// Accept roles of tasks, proven by a token that is signed for this name, which the tasks give to `mesh-control
    /// role-token`. Which role may act as which node is given by --xds-allow.
    #[arg(long, env = "MESHWRIGHT_XDS_ROLES", value_name = "NAME")]
    xds_roles: Option<String>,
    /// Name in a client certificate, or ARN of a role, and a node as which its holder may act, such as
    /// blue.example.com=mesh/shop/virtualNode/blue. Repeatable, or comma-separated.
    #[arg(
        long = "xds-allow",
        env = "MESHWRIGHT_XDS_ALLOW",
        value_name = "IDENTITY=NODE",
        value_delimiter = ','
    )]
    xds_allow: Vec<AllowedNode>,
    /// Serve Envoys beyond loopback without TLS or without authentication: each client of the address reads the
    /// configuration of every node, so restrict it to the tasks of the mesh.
    #[arg(long, env = "MESHWRIGHT_XDS_INSECURE", value_parser = FalseyValueParser::new())]
    xds_insecure: bool,
}

impl XdsArguments {
    /// The name for which role tokens must be signed; `None` if they are not accepted.
    pub(crate) fn roles(&self) -> Option<String> {
        self.xds_roles.clone()
    }
}

impl TryFrom<XdsArguments> for XdsProtection {
    type Error = String;

    fn try_from(arguments: XdsArguments) -> Result<Self, String> {
        let certificate = arguments.tls_certificate;
        let certificate = certificate.map(|file| secret_file::path("--tls-certificate", file));
        let key = arguments.tls_key.map(|file| secret_file::path("--tls-key", file));
        let files = certificate.transpose()?.zip(key.transpose()?);
        let tls = files.map(|(certificate, key)| {
            let files = CertificateFiles::new(certificate, key);
            arguments
                .xds_client_ca
                .into_iter()
                .fold(files, CertificateFiles::with_client_ca)
        });
        Ok(Self {
            tls,
            token_keys: arguments.xds_token_key,
            allowed: arguments.xds_allow,
            is_behind_load_balancer: arguments.behind_load_balancer,
            is_insecure: arguments.xds_insecure,
        })
    }
}
