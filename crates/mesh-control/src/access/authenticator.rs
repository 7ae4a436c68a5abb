//! Tokens and client certificates as an authenticator of xDS streams.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::Arc;
use std::time::SystemTime;

use server_tls::CertificateNames;
use xds_server::{Authenticating, AuthenticationError, Authenticator, Credentials, Principal};

use super::certificate::spiffe_node;
use super::grant::NodeGrant;
use super::token_keys::TokenKeys;

/// Names of a certificate in a message.
const LISTED_NAMES: usize = 3;

/// Authenticates the clients of the xDS port. By default it rejects all.
///
/// A client that sends a token is judged by the token alone, also if it has a certificate.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct XdsAuthenticator {
    tokens: Option<TokenKeys>,
    accepts_certificates: bool,
    allowed: BTreeMap<String, Vec<NodeGrant>>,
    /// By the prefix of their tokens.
    bearers: Vec<(String, Arc<dyn Authenticator>)>,
}

impl XdsAuthenticator {
    /// Accepts tokens of these keys.
    pub fn with_tokens(mut self, keys: TokenKeys) -> Self {
        self.tokens = Some(keys);
        self
    }

    /// Accepts client certificates that the server's TLS has verified.
    pub fn with_client_certificates(mut self) -> Self {
        self.accepts_certificates = true;
        self
    }

    /// Lets certificates with this URI or DNS name act as these nodes, in addition to earlier ones. The name is compared as a
    /// whole.
    pub fn allow(mut self, name: impl Into<String>, nodes: impl IntoIterator<Item = NodeGrant>) -> Self {
        self.allowed.entry(name.into()).or_default().extend(nodes);
        self
    }

    /// Leaves tokens that begin with `prefix` to another authenticator.
    pub fn with_bearer(mut self, prefix: impl Into<String>, authenticator: Arc<dyn Authenticator>) -> Self {
        self.bearers.push((prefix.into(), authenticator));
        self
    }

    fn of_token(&self, token: &str) -> Result<Arc<dyn Principal>, AuthenticationError> {
        let keys = self.tokens.as_ref();
        let keys = keys.ok_or_else(|| rejected("tokens are not accepted here"))?;
        let claims = keys.verify(token).map_err(|error| rejected(&error.to_string()))?;
        let principal = GrantedPrincipal::new(format!("the token of {:?}", claims.subject), claims.nodes);
        Ok(Arc::new(principal.until(claims.expires)))
    }

    fn of_certificate(&self, certificate: &[u8]) -> Result<Arc<dyn Principal>, AuthenticationError> {
        if !self.accepts_certificates {
            return Err(rejected("client certificates are not accepted here; send a token"));
        }
        let names =
            CertificateNames::of(certificate).ok_or_else(|| rejected("the client certificate cannot be read"))?;
        let all = || names.uris.iter().chain(&names.dns);
        let mut nodes: Vec<NodeGrant> = spiffe_node(&names).into_iter().collect();
        nodes.extend(all().filter_map(|name| self.allowed.get(name)).flatten().cloned());
        let listed: Vec<String> = all().take(LISTED_NAMES).map(|name| format!("{name:?}")).collect();
        let listed = listed.join(", ");
        if nodes.is_empty() {
            return Err(rejected(&match listed.is_empty() {
                true => "the client certificate has neither a SPIFFE ID nor a DNS name".to_owned(),
                false => format!("no node is allowed for the client certificate of {listed}"),
            }));
        }
        Ok(Arc::new(GrantedPrincipal::new(
            format!("the certificate of {listed}"),
            nodes,
        )))
    }

    /// What a client could present.
    fn accepted(&self) -> &'static str {
        match (
            self.tokens.is_some() || !self.bearers.is_empty(),
            self.accepts_certificates,
        ) {
            (true, true) => "no token and no client certificate",
            (false, true) => "no client certificate",
            _ => "no token",
        }
    }
}

impl Authenticator for XdsAuthenticator {
    fn authenticate<'a>(&'a self, credentials: &'a Credentials) -> Authenticating<'a> {
        let Some(authorization) = &credentials.authorization else {
            let outcome = match credentials.certificates.first() {
                Some(certificate) => self.of_certificate(certificate),
                None => Err(rejected(self.accepted())),
            };
            return Box::pin(ready(outcome));
        };
        let scheme = authorization.split_once(' ');
        let token = scheme.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let Some((_, token)) = token else {
            return Box::pin(ready(Err(rejected("the authorization is not a bearer token"))));
        };
        let token = token.trim();
        let other = self.bearers.iter().find(|(prefix, _)| token.starts_with(prefix));
        match other {
            Some((_, authenticator)) => authenticator.authenticate(credentials),
            None => Box::pin(ready(self.of_token(token))),
        }
    }
}

fn rejected(reason: &str) -> AuthenticationError {
    AuthenticationError::Rejected(reason.to_owned())
}

/// A client that may act as given nodes.
#[derive(Debug, Clone)]
pub struct GrantedPrincipal {
    name: String,
    nodes: Vec<NodeGrant>,
    expires: Option<SystemTime>,
}

impl GrantedPrincipal {
    /// A client with this name in messages.
    #[must_use]
    pub fn new(name: impl Into<String>, nodes: Vec<NodeGrant>) -> Self {
        Self {
            name: name.into(),
            nodes,
            expires: None,
        }
    }

    /// Until this moment.
    #[must_use]
    pub fn until(self, expires: SystemTime) -> Self {
        Self {
            expires: Some(expires),
            ..self
        }
    }
}

impl Principal for GrantedPrincipal {
    fn name(&self) -> &str {
        &self.name
    }

    fn may_act_as(&self, node_id: &str) -> bool {
        self.nodes.iter().any(|grant| grant.includes(node_id))
    }

    fn expires(&self) -> Option<SystemTime> {
        self.expires
    }
}
