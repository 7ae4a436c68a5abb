//! TLS and token of an Envoy's connections to the control plane.
//!
//! The token is no part of the bootstrap: Envoy's credential injector, as a filter of the xDS cluster, adds it to each stream
//! from a generic secret, which Envoy reads from a file and reads again when the file is replaced. So it is neither in
//! `config_dump`, which shows that secret as `[redacted]`, nor in environment variables, command lines and templates.
//! `initial_metadata` of the gRPC service would have been simpler, but it is part of the bootstrap and of `config_dump`, and
//! cannot be renewed while Envoy runs. Both observed with Envoy 1.40.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// The name of the secret with the token.
const TOKEN_SECRET: &str = "xds_token";

/// How an Envoy connects to its control plane.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct XdsSecurity {
    /// TLS. Default: none, for loopback and private networks.
    pub tls: Option<XdsTls>,
    /// The file with the token, as [`token_secret`] writes it. Default: no token. To renew the token, write another file and
    /// rename it to this one.
    pub token: Option<PathBuf>,
}

/// TLS to the control plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XdsTls {
    /// The CA certificates of the control plane.
    pub trusted_ca: TrustedCa,
    /// The name in the certificate of the control plane, also sent as SNI.
    pub server_name: String,
    /// The client certificate. Default: none.
    pub client: Option<ClientCertificate>,
}

/// CA certificates in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustedCa {
    /// In a file.
    File(PathBuf),
    /// As text, which is part of the bootstrap.
    Pem(String),
}

impl From<PathBuf> for TrustedCa {
    fn from(file: PathBuf) -> Self {
        Self::File(file)
    }
}

impl TrustedCa {
    fn to_json(&self) -> Value {
        match self {
            Self::File(file) => json!({"filename": file}),
            Self::Pem(text) => json!({"inline_string": text}),
        }
    }
}

/// A client certificate of an Envoy. Envoy reads it once, when it starts: to renew it, start another task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The file with the certificate chain in PEM, the Envoy's own certificate first.
    pub certificate: PathBuf,
    /// The file with the private key in PEM.
    pub key: PathBuf,
}

/// The content of a token file: a secret for Envoy. Write it with mode 0600.
#[must_use]
pub fn token_secret(token: &str) -> String {
    let secret = json!({
        "resources": [{
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
            "name": TOKEN_SECRET,
            "generic_secret": {"secret": {"inline_string": format!("Bearer {token}")}},
        }],
    });
    format!("{secret}\n")
}

impl XdsSecurity {
    /// Whether the Envoy proves who it is.
    pub(crate) fn has_identity(&self) -> bool {
        let tls = self.tls.as_ref();
        self.token.is_some() || tls.is_some_and(|tls| tls.client.is_some())
    }

    /// Adds both to the cluster of the control plane.
    pub(crate) fn apply(&self, cluster: &mut Value) {
        if let Some(tls) = &self.tls {
            cluster["transport_socket"] = tls.transport_socket();
        }
        if let Some(file) = &self.token {
            let options = &mut cluster["typed_extension_protocol_options"];
            options["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"]["http_filters"] =
                json!([injector(file), codec()]);
        }
    }
}

/// The filter that adds the token. Until the file is read, requests fail, and Envoy tries again.
fn injector(file: &Path) -> Value {
    json!({
        "name": "envoy.filters.http.credential_injector",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.credential_injector.v3.CredentialInjector",
            "overwrite": true,
            "credential": {
                "name": "envoy.http.injected_credentials.generic",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.http.injected_credentials.generic.v3.Generic",
                    "credential": {
                        "name": TOKEN_SECRET,
                        "sds_config": {
                            "resource_api_version": "V3",
                            "path_config_source": {"path": file},
                        },
                    },
                },
            },
        },
    })
}

/// The last filter of a cluster.
fn codec() -> Value {
    json!({
        "name": "envoy.filters.http.upstream_codec",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec",
        },
    })
}

impl XdsTls {
    fn transport_socket(&self) -> Value {
        let mut common = json!({
            "alpn_protocols": ["h2"],
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
            "validation_context": {
                "trusted_ca": self.trusted_ca.to_json(),
                "match_typed_subject_alt_names": [{"san_type": "DNS", "matcher": {"exact": self.server_name}}],
            },
        });
        if let Some(client) = &self.client {
            common["tls_certificates"] = json!([client.to_json()]);
        }
        json!({
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                "sni": self.server_name,
                "common_tls_context": common,
            },
        })
    }
}

impl ClientCertificate {
    fn to_json(&self) -> Value {
        json!({
            "certificate_chain": {"filename": self.certificate},
            "private_key": {"filename": self.key},
        })
    }
}
