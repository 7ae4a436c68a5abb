//! From a role token to the nodes of its role, with a cache of what STS has said.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use mesh_control::access::{AllowedNode, GrantedPrincipal};
use mesh_control::{Authenticating, AuthenticationError, Authenticator, Credentials, NodeGrant, Principal};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::presigned;
use super::sts::{Sts, StsEndpoint, StsError};

/// Time for which an answer of STS is used again. An Envoy that reconnects has the same token for some minutes.
const CACHE_TIME: Duration = Duration::from_secs(300);

/// The same for a rejection.
const REJECTION_TIME: Duration = Duration::from_secs(60);

/// Answers that are kept.
const MAX_CACHED: usize = 10_000;

/// Calls of STS at a time, so that forged tokens use up no quota of connections.
const MAX_CALLS: usize = 16;

/// Time after which an open stream must prove its role again.
const STREAM_TIME: Duration = Duration::from_secs(3600);

/// Authenticates Envoys by the role of their task.
#[derive(Debug)]
pub struct TaskRoleAuthenticator {
    endpoint: StsEndpoint,
    sts: Sts,
    /// By the ARN of the role.
    allowed: BTreeMap<String, Vec<NodeGrant>>,
    cache: Mutex<HashMap<[u8; 32], Cached>>,
    calls: Semaphore,
}

#[derive(Debug, Clone)]
struct Cached {
    until: Instant,
    outcome: Result<String, String>,
}

impl TaskRoleAuthenticator {
    /// Accepts tokens that are signed for the control plane named `audience`. Of `allowed`, those apply whose identity is the
    /// ARN of a role; a path in it is ignored, as the names of roles are unique in their account.
    ///
    /// # Errors
    ///
    /// If the certificates of the machine cannot be read.
    pub fn new(endpoint: StsEndpoint, audience: impl Into<String>, allowed: &[AllowedNode]) -> std::io::Result<Self> {
        let mut nodes: BTreeMap<String, Vec<NodeGrant>> = BTreeMap::new();
        for AllowedNode { identity, node } in allowed {
            nodes.entry(role_arn(identity)).or_default().push(node.clone());
        }
        Ok(Self {
            sts: Sts::new(&endpoint, audience.into())?,
            endpoint,
            allowed: nodes,
            cache: Mutex::default(),
            calls: Semaphore::new(MAX_CALLS),
        })
    }

    async fn principal(&self, token: &str) -> Result<Arc<dyn Principal>, AuthenticationError> {
        let rejected = |reason: String| AuthenticationError::Rejected(reason);
        let now = SystemTime::now();
        let (url, end) = presigned::parse(token, &self.endpoint, now).map_err(|error| rejected(error.to_string()))?;
        let key: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let outcome = match self.cached(&key) {
            Some(outcome) => outcome,
            None => {
                let permit = self.calls.acquire().await;
                permit
                    .as_ref()
                    .map_err(|error| AuthenticationError::Unavailable(error.to_string()))?;
                let (outcome, time) = match self.sts.caller_of(&url).await {
                    Ok(arn) => {
                        let left = end.duration_since(now).unwrap_or_default();
                        (Ok(arn), left.min(CACHE_TIME))
                    }
                    Err(StsError::Rejected(reason)) => (Err(reason), REJECTION_TIME),
                    Err(StsError::Unavailable(reason)) => {
                        return Err(AuthenticationError::Unavailable(format!("STS: {reason}")));
                    }
                };
                self.remember(key, &outcome, time);
                outcome
            }
        };
        let arn = outcome.map_err(|reason| rejected(format!("STS rejects the role token: {reason}")))?;
        let role = role_arn(&arn);
        let nodes = self.allowed.get(&role).cloned();
        let nodes = nodes.ok_or_else(|| rejected(format!("no node is allowed for {role}")))?;
        let principal = GrantedPrincipal::new(format!("the role {role}"), nodes);
        Ok(Arc::new(principal.until(now + STREAM_TIME)))
    }

    fn cached(&self, key: &[u8; 32]) -> Option<Result<String, String>> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let cached = cache.get(key).filter(|cached| cached.until > Instant::now())?;
        Some(cached.outcome.clone())
    }

    fn remember(&self, key: [u8; 32], outcome: &Result<String, String>, time: Duration) {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if cache.len() >= MAX_CACHED {
            cache.retain(|_, cached| cached.until > now);
        }
        if cache.len() >= MAX_CACHED {
            cache.clear();
        }
        let cached = Cached {
            until: now + time,
            outcome: outcome.clone(),
        };
        cache.insert(key, cached);
    }
}

impl Authenticator for TaskRoleAuthenticator {
    fn authenticate<'a>(&'a self, credentials: &'a Credentials) -> Authenticating<'a> {
        let authorization = credentials.authorization.as_deref().unwrap_or_default();
        let token = authorization
            .split_once(' ')
            .map_or(authorization, |(_, token)| token.trim());
        Box::pin(self.principal(token))
    }
}

/// The ARN of a role without a path, from that of the role or of one of its sessions. Other ARNs stay as they are.
fn role_arn(arn: &str) -> String {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    if let ["arn", partition, "sts", "", account, resource] = parts.as_slice()
        && let ["assumed-role", role, _] = resource.split('/').collect::<Vec<_>>().as_slice()
    {
        return format!("arn:{partition}:iam::{account}:role/{role}");
    }
    if let ["arn", partition, "iam", "", account, resource] = parts.as_slice()
        && let Some(path) = resource.strip_prefix("role/")
        && let Some(role) = path.rsplit('/').next()
    {
        return format!("arn:{partition}:iam::{account}:role/{role}");
    }
    arn.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_and_paths_name_a_role() {
        const ROLE: &str = "arn:aws:iam::123456789012:role/blue";
        for (arn, role) in [
            (ROLE, ROLE),
            ("arn:aws:iam::123456789012:role/service/shop/blue", ROLE),
            ("arn:aws:sts::123456789012:assumed-role/blue/0123456789abcdef", ROLE),
            (
                "arn:aws:iam::123456789012:user/blue",
                "arn:aws:iam::123456789012:user/blue",
            ),
            (
                "arn:aws:sts::123456789012:federated-user/blue",
                "arn:aws:sts::123456789012:federated-user/blue",
            ),
            ("blue.example.com", "blue.example.com"),
        ] {
            assert_eq!(role_arn(arn), role, "{arn}");
        }
    }
}
