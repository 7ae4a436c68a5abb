//! Arguments of `serve`, and the default state file.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use app_mesh_api::auth::KeyLocation;
use app_mesh_api::{Quotas, Settings};
use clap::Args;
use clap::builder::FalseyValueParser;
use config_store::Location;
use ipnet::IpNet;
use mesh_control::Addresses;
use mesh_control::access::{AllowedNode, XdsProtection};
use server_tls::CertificateFiles;

use super::aws_names::{account, region};
use crate::cli::arguments::address;
use crate::cli::header_limits::HeaderLimitArguments;
use crate::serve::stored::StoreOptions;
use crate::serve::{AuditTarget, Serve, StateLocation};
use crate::state_home::state_home;

/// There is no directory for a state file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("no default state file: neither XDG_STATE_HOME nor HOME is an absolute path; give one with --state")]
pub(crate) struct NoDefaultState;

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// State file with all meshes; created if it does not exist. Default: app-mesh.state in $XDG_STATE_HOME/meshwright, or
    /// else in ~/.local/state/meshwright
    #[arg(long, value_name = "FILE", env = "MESHWRIGHT_STATE")]
    state: Option<PathBuf>,
    /// DynamoDB table with all meshes, instead of a state file: any number of processes may serve one. In the AWS account of
    /// the SDK's credentials, and in the region of --region
    #[arg(long, value_name = "TABLE", env = "MESHWRIGHT_DYNAMODB", conflicts_with = "state")]
    dynamodb: Option<String>,
    /// Read the endpoints of virtual nodes from Cloud Map, in the same account. Default: virtual nodes with Cloud Map
    /// discovery have no endpoints
    #[arg(long, env = "MESHWRIGHT_CLOUD_MAP", value_parser = FalseyValueParser::new())]
    cloud_map: bool,
    /// Network of endpoints from Cloud Map, such as the CIDR block of the VPC: addresses outside of it are not used
    /// (repeatable). Default: all addresses that a task can have; never loopback, link-local and metadata services
    #[arg(long = "endpoint-network", value_name = "CIDR", requires = "cloud_map")]
    endpoint_networks: Vec<IpNet>,
    /// Listen address of App Mesh's API. Beyond loopback it requires --keys; without them, it answers requests to localhost
    /// and loopback addresses only
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "MESHWRIGHT_API",
        default_value = "127.0.0.1:18002",
        value_parser = address
    )]
    api: SocketAddr,
    /// Listen address for Envoys (xDS). Beyond loopback it requires TLS or --behind-load-balancer, and --xds-token-key or
    /// --xds-client-ca; or else --xds-insecure
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "MESHWRIGHT_XDS",
        default_value = "127.0.0.1:18000",
        value_parser = address
    )]
    xds: SocketAddr,
    /// Listen address of GET /status and GET /healthz, on loopback
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "MESHWRIGHT_STATUS",
        default_value = "127.0.0.1:18001",
        value_parser = address
    )]
    status: SocketAddr,
    /// Certificate chain in PEM, for the API and for Envoys. Read again when the file changes
    #[arg(long, value_name = "FILE", env = "MESHWRIGHT_TLS_CERTIFICATE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// Private key of the certificate, in PEM
    #[arg(long, value_name = "FILE", env = "MESHWRIGHT_TLS_KEY", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// A load balancer in front terminates TLS: serve beyond loopback without TLS
    #[arg(long, conflicts_with = "tls_certificate")]
    behind_load_balancer: bool,
    /// Key pairs that requests of the API must be signed with (AWS Signature Version 4): a file that only its owner can read,
    /// or `secretsmanager:` and the name or ARN of a secret. Read again when they change. Default: none, and no authentication
    #[arg(long, value_name = "FILE", env = "MESHWRIGHT_KEYS")]
    keys: Option<KeyLocation>,
    /// CA certificates of Envoys in PEM: a client certificate with the SPIFFE ID
    /// spiffe://DOMAIN/mesh/MESH/virtualNode/NAME is good for that node. Read again when the file changes
    #[arg(
        long,
        value_name = "FILE",
        env = "MESHWRIGHT_XDS_CLIENT_CA",
        requires = "tls_certificate"
    )]
    xds_client_ca: Option<PathBuf>,
    /// Keys of the tokens of Envoys, one in each line, in hexadecimal digits; a file that only its owner can read. The first
    /// one signs (verb token), all are accepted. Read again when the file changes
    #[arg(long, value_name = "FILE", env = "MESHWRIGHT_XDS_TOKEN_KEY")]
    xds_token_key: Option<PathBuf>,
    /// Name in a client certificate, and a node as which its holder may act, such as
    /// blue.example.com=mesh/shop/virtualNode/blue (repeatable)
    #[arg(long = "xds-allow", value_name = "IDENTITY=NODE")]
    xds_allow: Vec<AllowedNode>,
    /// Serve Envoys beyond loopback without TLS or without authentication: each client of the address reads the
    /// configuration of every mesh, so let only the tasks' security groups reach it
    #[arg(long, env = "MESHWRIGHT_XDS_INSECURE", value_parser = FalseyValueParser::new())]
    xds_insecure: bool,
    /// Store for the configurations that Envoys have accepted, which envoy-agent serves to Envoys that start while this process
    /// does not answer: a folder, or s3://BUCKET/PREFIX. Default: none
    #[arg(long, value_name = "STORE", env = "MESHWRIGHT_STORE", requires = "signing_key")]
    store: Option<Location>,
    /// Private key that signs them, in PEM, as `mesh-control keygen` or `openssl genpkey -algorithm ed25519` writes it: a file,
    /// or env:NAME for an environment variable
    #[arg(long, value_name = "FILE", env = "MESHWRIGHT_STORE_SIGNING_KEY", requires = "store")]
    signing_key: Option<String>,
    /// Time after which a stored configuration is not served any more
    #[arg(long, value_name = "TIME", env = "MESHWRIGHT_STORE_MAX_AGE", default_value = "7days", value_parser = humantime::parse_duration)]
    store_max_age: Duration,
    /// Log each change through the API as a line of JSON: a file, or `-` for standard error. Default: none
    #[arg(long, value_name = "FILE", env = "MESHWRIGHT_AUDIT_LOG")]
    audit_log: Option<PathBuf>,
    /// AWS account in ARNs, 12 digits
    #[arg(long, value_name = "ACCOUNT", default_value = "000000000000", value_parser = account)]
    account: String,
    /// AWS region in ARNs
    #[arg(long, value_name = "REGION", env = "AWS_REGION", default_value = "us-east-1", value_parser = region)]
    region: String,
    /// No maximum numbers of resources. Default: those of App Mesh, such as 200 virtual nodes in a mesh
    #[arg(long)]
    no_quotas: bool,
    #[command(flatten)]
    header_limits: HeaderLimitArguments,
}

impl ServeArguments {
    /// The arguments with the default state file.
    pub(crate) fn resolve(self) -> Result<Serve, NoDefaultState> {
        let state = match (self.dynamodb, self.state) {
            (Some(table), _) => StateLocation::DynamoDb(table),
            (None, Some(state)) => StateLocation::File(state),
            (None, None) => {
                StateLocation::File(default_state(|variable| std::env::var_os(variable).map(PathBuf::from))?)
            }
        };
        let settings = Settings {
            account: self.account,
            quotas: if self.no_quotas {
                Quotas::unlimited()
            } else {
                Quotas::default()
            },
            ..Settings::default()
        };
        let settings = settings.in_region(self.region);
        let tls = self.tls_certificate.zip(self.tls_key);
        let tls = tls.map(|(certificate, key)| CertificateFiles::new(certificate, key));
        Ok(Serve {
            state,
            api: self.api,
            addresses: Addresses {
                xds: self.xds,
                status: self.status,
            },
            tls: tls.clone(),
            is_behind_load_balancer: self.behind_load_balancer,
            xds: XdsProtection {
                tls: tls.map(|files| {
                    self.xds_client_ca
                        .into_iter()
                        .fold(files, CertificateFiles::with_client_ca)
                }),
                token_keys: self.xds_token_key,
                allowed: self.xds_allow,
                is_behind_load_balancer: self.behind_load_balancer,
                is_insecure: self.xds_insecure,
            },
            keys: self.keys,
            cloud_map: self.cloud_map.then_some(self.endpoint_networks),
            audit_log: self.audit_log.map(|path| match path.to_str() {
                Some("-") => AuditTarget::Stderr,
                _ => AuditTarget::File(path),
            }),
            settings,
            header_limits: self.header_limits.into(),
            store: self
                .store
                .zip(self.signing_key)
                .map(|(location, signing_key)| StoreOptions {
                    location,
                    signing_key,
                    max_age: self.store_max_age,
                }),
        })
    }
}

/// The user's state file.
fn default_state(variable: impl Fn(&str) -> Option<PathBuf>) -> Result<PathBuf, NoDefaultState> {
    Ok(state_home(variable).ok_or(NoDefaultState)?.join("app-mesh.state"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        serve: ServeArguments,
    }

    fn parse(arguments: &[&str]) -> Result<Serve, String> {
        let state = ["program", "--state", "/s", "--region", "eu-west-1"];
        let parsed = Program::try_parse_from(state.iter().chain(arguments)).map_err(|error| error.to_string())?;
        Ok(parsed.serve.resolve().expect("a state file is given"))
    }

    #[test]
    fn everything_has_a_default_on_loopback() {
        let serve = parse(&[]).expect("valid");
        let addresses = [serve.api, serve.addresses.xds, serve.addresses.status];
        assert!(addresses.iter().all(|address| address.ip().is_loopback()), "{serve:?}");
        let ports = addresses.map(|address| address.port());
        assert_eq!(ports, [18002, 18000, 18001]);
        assert_eq!((serve.tls, serve.is_behind_load_balancer), (None, false));
        assert_eq!(serve.settings.region, "eu-west-1");
        assert_eq!(serve.settings.partition, "aws");
        let china = Program::try_parse_from(["program", "--state", "/s", "--region", "cn-north-1"]);
        let china = china.expect("valid").serve.resolve().expect("a state file is given");
        assert_eq!(china.settings.partition, "aws-cn");
    }

    #[test]
    fn the_state_is_a_file_or_a_table() {
        let table = ["program", "--dynamodb", "meshes", "--keys", "secretsmanager:mesh/keys"];
        let serve = Program::try_parse_from(table)
            .expect("valid")
            .serve
            .resolve()
            .expect("no file is needed");
        assert_eq!(serve.state, StateLocation::DynamoDb("meshes".to_owned()));
        assert_eq!(serve.keys, Some(KeyLocation::Secret("mesh/keys".to_owned())));
        let serve = parse(&["--keys", "keys.json"]).expect("valid");
        assert_eq!(serve.state, StateLocation::File("/s".into()));
        assert_eq!(serve.keys, Some(KeyLocation::File("keys.json".into())));
    }

    #[test]
    fn the_default_state_file_follows_the_xdg_specification() {
        let state = |variables: &[(&str, &str)]| {
            default_state(|name| {
                let found = variables.iter().find(|(variable, _)| *variable == name);
                found.map(|(_, value)| PathBuf::from(value))
            })
        };
        let both = [("HOME", "/h"), ("XDG_STATE_HOME", "/s")];
        assert_eq!(state(&both), Ok("/s/meshwright/app-mesh.state".into()));
        let home = Ok("/h/.local/state/meshwright/app-mesh.state".into());
        assert_eq!(state(&[("HOME", "/h"), ("XDG_STATE_HOME", "s")]), home);
        for none in [&[][..], &[("HOME", "")], &[("HOME", "h")]] {
            assert_eq!(state(none), Err(NoDefaultState));
        }
    }

    #[test]
    fn arguments_that_do_not_fit_are_rejected() {
        for (arguments, reason) in [
            (&["--tls-certificate", "c.pem"][..], "--tls-key"),
            (&["--tls-key", "k.pem"], "--tls-certificate"),
            (
                &[
                    "--tls-certificate",
                    "c.pem",
                    "--tls-key",
                    "k.pem",
                    "--behind-load-balancer",
                ],
                "cannot be used with",
            ),
            (&["--dynamodb", "meshes"], "cannot be used with"),
            (&["--keys", "secretsmanager:"], "name or ARN of a secret"),
            (&["--account", "1234"], "12 digits"),
            (&["--store", "store"], "--signing-key"),
            (&["--store", "s3://A", "--signing-key", "k"], "is no bucket name"),
            (&["--store-max-age", "soon"], "--store-max-age"),
            (&["--api", "localhost"], "such as 127.0.0.1:18002"),
        ] {
            let error = parse(arguments).expect_err(reason);
            assert!(error.contains(reason), "{error}");
        }
    }
}
