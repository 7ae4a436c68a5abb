//! What protects the xDS port of a program, from its options.

use std::net::SocketAddr;
use std::path::PathBuf;

use server_tls::{CertificateFiles, ServerTls, TlsError};

use super::authenticator::XdsAuthenticator;
use super::grant::{InvalidGrant, NodeGrant};
use super::token_keys::{TokenKeys, TokenKeysError};

/// The files and names that protect an xDS port. Default: nothing does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct XdsProtection {
    /// Certificate and key of the server, and the CAs of clients.
    pub tls: Option<CertificateFiles>,
    /// The file with the keys of tokens ([`TokenKeys`]).
    pub token_keys: Option<PathBuf>,
    /// Names in client certificates, or of roles, each with a node.
    pub allowed: Vec<AllowedNode>,
    /// A load balancer in front terminates TLS.
    pub is_behind_load_balancer: bool,
    /// Serve beyond loopback without TLS or without authentication.
    pub is_insecure: bool,
}

/// A node as which an identity may act: `IDENTITY=NODE` on a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedNode {
    /// A URI or DNS name in a client certificate, or the ARN of a role.
    pub identity: String,
    /// The node.
    pub node: NodeGrant,
}

/// A text that is not `IDENTITY=NODE`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAllowedNode {
    /// There is no `=`, or nothing in front of it.
    #[error("expected IDENTITY=NODE, as in blue.example.com=mesh/shop/virtualNode/blue")]
    Form,
    /// What follows names no node.
    #[error(transparent)]
    Node(#[from] InvalidGrant),
}

impl std::str::FromStr for AllowedNode {
    type Err = InvalidAllowedNode;

    fn from_str(text: &str) -> Result<Self, InvalidAllowedNode> {
        // Names of roles may contain the character, names of nodes do not.
        let pair = text.rsplit_once('=').filter(|(identity, _)| !identity.is_empty());
        let (identity, node) = pair.ok_or(InvalidAllowedNode::Form)?;
        Ok(Self {
            identity: identity.to_owned(),
            node: node.parse()?,
        })
    }
}

/// An xDS port that other machines could reach without protection, or files that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum XdsProtectionError {
    /// Connections would not be encrypted.
    #[error(
        "cannot serve Envoys at {0} without TLS; give --tls-certificate and --tls-key, or --behind-load-balancer if a load \
         balancer in front terminates TLS, or --xds-insecure if only the tasks of the mesh can reach the address"
    )]
    NoTls(SocketAddr),
    /// Each client could read everything.
    #[error(
        "cannot serve Envoys at {0} without authentication; give --xds-token-key or --xds-client-ca, or --xds-insecure if \
         only the tasks of the mesh can reach the address"
    )]
    NoAuthentication(SocketAddr),
    /// Names are given, but there is nothing that could have them.
    #[error("--xds-allow names identities of client certificates; give --xds-client-ca as well")]
    AllowedWithoutCertificates,
    /// The certificate files cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The key file cannot be used.
    #[error(transparent)]
    TokenKeys(#[from] TokenKeysError),
}

impl XdsProtectionError {
    /// Whether other options are needed, rather than other files.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        match self {
            Self::NoTls(_) | Self::NoAuthentication(_) | Self::AllowedWithoutCertificates => true,
            Self::Tls(_) | Self::TokenKeys(_) => false,
        }
    }
}

impl XdsProtection {
    /// Whether clients must authenticate themselves.
    #[must_use]
    pub fn has_authentication(&self) -> bool {
        self.token_keys.is_some() || self.has_client_ca()
    }

    fn has_client_ca(&self) -> bool {
        self.tls.as_ref().is_some_and(|files| files.client_ca.is_some())
    }

    /// Checks that other machines do not reach an unprotected port. Loopback needs no protection: who runs programs on a machine
    /// is not separated by it.
    ///
    /// # Errors
    ///
    /// Which protection is missing.
    pub fn check(&self, xds: SocketAddr) -> Result<(), XdsProtectionError> {
        self.check_with(xds, false)
    }

    /// The same for a program that may have a further authenticator.
    ///
    /// # Errors
    ///
    /// As [`Self::check`].
    pub fn check_with(&self, xds: SocketAddr, has_further_authenticator: bool) -> Result<(), XdsProtectionError> {
        if !self.allowed.is_empty() && !self.has_client_ca() && !has_further_authenticator {
            return Err(XdsProtectionError::AllowedWithoutCertificates);
        }
        if xds.ip().is_loopback() || self.is_insecure {
            return Ok(());
        }
        if self.tls.is_none() && !self.is_behind_load_balancer {
            return Err(XdsProtectionError::NoTls(xds));
        }
        if !self.has_authentication() && !has_further_authenticator {
            return Err(XdsProtectionError::NoAuthentication(xds));
        }
        Ok(())
    }

    /// TLS of the port, with the files as they are now and at each change.
    ///
    /// # Errors
    ///
    /// If the files cannot be used.
    pub fn tls(&self) -> Result<Option<ServerTls>, XdsProtectionError> {
        Ok(self.tls.clone().map(ServerTls::load).transpose()?)
    }

    /// The authenticator of its clients. `None` if everybody may have a stream.
    ///
    /// # Errors
    ///
    /// If the key file cannot be used.
    pub fn authenticator(&self) -> Result<Option<XdsAuthenticator>, XdsProtectionError> {
        if !self.has_authentication() {
            return Ok(None);
        }
        let mut authenticator = XdsAuthenticator::default();
        if let Some(file) = &self.token_keys {
            authenticator = authenticator.with_tokens(TokenKeys::read(file)?);
        }
        if self.has_client_ca() {
            authenticator = authenticator.with_client_certificates();
        }
        let allowed = self.allowed.iter().cloned();
        Ok(Some(allowed.fold(
            authenticator,
            |authenticator, AllowedNode { identity, node }| authenticator.allow(identity, [node]),
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(address: &str, protection: &XdsProtection) -> Result<(), String> {
        let checked = protection.check(address.parse().expect("an address"));
        checked.map_err(|error| error.to_string())
    }

    #[test]
    fn beyond_loopback_tls_and_authentication_are_required() {
        let none = XdsProtection::default();
        let tls = XdsProtection {
            tls: Some(CertificateFiles::new("c", "k")),
            ..none.clone()
        };
        let tokens = |protection: &XdsProtection| XdsProtection {
            token_keys: Some("t".into()),
            ..protection.clone()
        };
        let certificates = XdsProtection {
            tls: Some(CertificateFiles::new("c", "k").with_client_ca("ca")),
            ..none.clone()
        };
        let balancer = XdsProtection {
            is_behind_load_balancer: true,
            ..none.clone()
        };
        let insecure = XdsProtection {
            is_insecure: true,
            ..none.clone()
        };
        for address in ["127.0.0.1:1", "[::1]:1"] {
            assert_eq!(checked(address, &none), Ok(()));
        }
        for address in ["0.0.0.0:1", "[::]:1", "192.0.2.1:1"] {
            for protection in [&none, &tokens(&none)] {
                let error = checked(address, protection).expect_err("no TLS");
                assert!(
                    error.contains("without TLS") && error.contains("--xds-insecure"),
                    "{error}"
                );
            }
            for protection in [&tls, &balancer] {
                let error = checked(address, protection).expect_err("no authentication");
                assert!(error.contains("--xds-token-key or --xds-client-ca"), "{error}");
                assert_eq!(checked(address, &tokens(protection)), Ok(()));
            }
            assert_eq!(checked(address, &certificates), Ok(()));
            assert_eq!(checked(address, &insecure), Ok(()));
        }
    }

    #[test]
    fn an_identity_is_followed_by_a_node() {
        let role = "arn:aws:iam::123456789012:role/a=b=mesh/m/virtualNode/blue";
        let allowed: AllowedNode = role.parse().expect("a pair");
        assert_eq!(allowed.identity, "arn:aws:iam::123456789012:role/a=b");
        assert_eq!(allowed.node.to_string(), "mesh/m/virtualNode/blue");
        for (text, expected) in [
            ("blue", "expected IDENTITY=NODE"),
            ("=mesh/m/*", "expected IDENTITY=NODE"),
            ("blue.example.com=blue", "`blue` names no node"),
        ] {
            let error = text.parse::<AllowedNode>().expect_err(expected).to_string();
            assert!(error.contains(expected), "{error}");
        }
        let protection = XdsProtection {
            allowed: vec![allowed],
            token_keys: Some("t".into()),
            ..XdsProtection::default()
        };
        let error = checked("127.0.0.1:1", &protection).expect_err("no certificates");
        assert!(error.contains("give --xds-client-ca as well"), "{error}");
    }
}
