//! Access: who a client is, and as which nodes it may act.
//!
//! An [`Authenticator`] turns what a client presents, its TLS certificate or a token, into a [`Principal`]; the principal
//! decides about each node id. [`Access`] applies both, to the streams of an [`AdsService`](crate::AdsService) and to
//! other gRPC services of the same server.

use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use http::{Extensions, HeaderMap, header};
use tonic::Status;

use crate::connections::Peer;
use crate::log_limit::{LogLimit, may_log};
use crate::quote::quoted;

/// Time in which an [`Authenticator`] must decide.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What a client presents.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Credentials {
    /// The address of the client, or of a load balancer in front.
    pub address: Option<IpAddr>,
    /// The certificate chain of the client in DER, its own certificate first, as the server's TLS has verified it. Empty
    /// without TLS and for a client without a certificate.
    pub certificates: Arc<[Vec<u8>]>,
    /// The `authorization` metadata, such as `Bearer TOKEN`.
    pub authorization: Option<String>,
}

impl Credentials {
    /// The credentials of a request: metadata, and the [`Peer`] that a
    /// [`Connection`](crate::connections::Connection) inserts.
    #[must_use]
    pub fn of_request(metadata: &HeaderMap, extensions: &Extensions) -> Self {
        let peer = extensions.get::<Peer>();
        Self {
            address: peer.and_then(Peer::address),
            certificates: peer.map(Peer::certificates).unwrap_or_default(),
            authorization: metadata
                .get(header::AUTHORIZATION)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned),
        }
    }
}

impl fmt::Debug for Credentials {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("address", &self.address)
            .field("certificates", &self.certificates.len())
            .field("authorization", &self.authorization.as_ref().map(|_| "…"))
            .finish()
    }
}

/// Why a client is not authenticated, without its token: this is sent to the client, and logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticationError {
    /// What the client presents proves nothing. gRPC status `UNAUTHENTICATED`.
    #[error("{0}")]
    Rejected(String),
    /// The service that decides about it does not respond. gRPC status `UNAVAILABLE`: the client tries again.
    #[error("{0}")]
    Unavailable(String),
}

/// The outcome of an [`Authenticator`].
pub type Authenticating<'a> =
    Pin<Box<dyn Future<Output = Result<Arc<dyn Principal>, AuthenticationError>> + Send + 'a>>;

/// Finds out who a client is.
pub trait Authenticator: fmt::Debug + Send + Sync + 'static {
    /// The principal that these credentials prove. Called once for each stream, on its own task. Dropping the future must
    /// be safe; after 10 s it is dropped, as if it was unavailable.
    fn authenticate<'a>(&'a self, credentials: &'a Credentials) -> Authenticating<'a>;
}

/// An authenticated client.
pub trait Principal: fmt::Debug + Send + Sync + 'static {
    /// Its name in messages and logs, such as `the token of blue`.
    fn name(&self) -> &str;

    /// Whether it may act as the Envoy of this node id: read its configuration, and report its statistics.
    fn may_act_as(&self, node_id: &str) -> bool;

    /// When its credentials end. An open stream ends then, with gRPC status `UNAUTHENTICATED`, and the client opens
    /// another one with renewed credentials. Default: never.
    fn expires(&self) -> Option<SystemTime> {
        None
    }
}

/// Who may use the services of a server. Clones share the rate limit of the log.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// `None`: everybody.
    authenticator: Option<Arc<dyn Authenticator>>,
    log: Arc<Mutex<LogLimit>>,
}

impl Access {
    pub(crate) fn new(authenticator: Option<Arc<dyn Authenticator>>, log: Arc<Mutex<LogLimit>>) -> Self {
        Self { authenticator, log }
    }

    /// Whether clients must authenticate themselves.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.authenticator.is_some()
    }

    /// Checks that the client may act as this node. `None` if everybody may.
    ///
    /// # Errors
    ///
    /// `UNAUTHENTICATED`, `PERMISSION_DENIED` or, if that cannot be decided now, `UNAVAILABLE`. The error is in the log,
    /// as far as its rate limit allows.
    pub async fn check(&self, credentials: &Credentials, node_id: &str) -> Result<Option<Arc<dyn Principal>>, Status> {
        let outcome = match self.authenticate(credentials).await {
            Ok(Some(principal)) => authorize(&*principal, node_id).map(|()| Some(principal)),
            Ok(None) => Ok(None),
            Err(error) => Err(rejection(&error, Some(node_id))),
        };
        outcome.inspect_err(|status| self.log_rejection(credentials, node_id, status))
    }

    /// The principal of a client; `None` without an authenticator.
    pub(crate) async fn authenticate(
        &self,
        credentials: &Credentials,
    ) -> Result<Option<Arc<dyn Principal>>, AuthenticationError> {
        let Some(authenticator) = &self.authenticator else {
            return Ok(None);
        };
        match tokio::time::timeout(TIMEOUT, authenticator.authenticate(credentials)).await {
            Ok(outcome) => outcome.map(Some),
            Err(_) => Err(AuthenticationError::Unavailable(format!(
                "authentication took more than {TIMEOUT:?}"
            ))),
        }
    }

    pub(crate) fn log_rejection(&self, credentials: &Credentials, node_id: &str, status: &Status) {
        let error = status.message();
        if let Some(suppressed) = may_log(&self.log, node_id, credentials.address, error) {
            let address = credentials.address.map(|address| address.to_string());
            tracing::warn!(node = node_id, address, error, suppressed, "access denied");
        }
    }
}

/// `PERMISSION_DENIED` if the principal may not act as this node.
pub(crate) fn authorize(principal: &dyn Principal, node_id: &str) -> Result<(), Status> {
    if principal.may_act_as(node_id) {
        return Ok(());
    }
    let (name, node) = (principal.name(), quoted(node_id));
    Err(Status::permission_denied(format!("{name} may not act as node {node}")))
}

/// The status of a client that is not authenticated, with the node id that it claims.
pub(crate) fn rejection(error: &AuthenticationError, node_id: Option<&str>) -> Status {
    let node = node_id.map_or_else(
        || "a node without an id".to_owned(),
        |id| format!("node {}", quoted(id)),
    );
    match error {
        AuthenticationError::Rejected(reason) => {
            Status::unauthenticated(format!("{node} is not authenticated: {reason}"))
        }
        AuthenticationError::Unavailable(reason) => {
            Status::unavailable(format!("{node} cannot be authenticated now: {reason}"))
        }
    }
}

/// The end of a stream whose credentials have ended.
pub(crate) fn expired(principal: &dyn Principal) -> Status {
    Status::unauthenticated(format!("{} has expired; connect with a renewed one", principal.name()))
}
