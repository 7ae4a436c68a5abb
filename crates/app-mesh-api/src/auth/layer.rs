//! Signature, rate limit and caller around the router.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::Method;
use sigv4_verify::{AccessKey, Keys, Verified, Verifier, VerifyError, VerifyLayer};

use super::key_pairs::KeyPairs;
use super::rate_limit::{KeyLimiter, RateLimits};
use crate::caller::Caller;
use crate::error::{ApiError, ErrorCode};
use crate::rest::RequestId;
use crate::settings::Settings;

/// App Mesh's signing name.
const SERVICE: &str = "appmesh";

/// The keys of a server, and what each may do. Clones share their state.
#[derive(Debug, Clone)]
pub struct Authentication {
    verifier: Verifier,
    limits: RateLimits,
    holders: Arc<RwLock<HashMap<String, Arc<Holder>>>>,
}

/// The holder of a key.
#[derive(Debug)]
struct Holder {
    key: Arc<AccessKey>,
    caller: Caller,
    limiter: Arc<KeyLimiter>,
}

impl Authentication {
    /// Requires signatures of these keys, for the region of the settings.
    #[must_use]
    pub fn new(key_pairs: KeyPairs, settings: &Settings, limits: RateLimits) -> Self {
        let authentication = Self {
            verifier: Verifier::new(SERVICE).with_region(&settings.region),
            limits,
            holders: Arc::default(),
        };
        authentication.replace(key_pairs);
        authentication
    }

    /// Replaces all keys: for requests from now on, and for all clones. A key that stays keeps its count of requests.
    pub fn replace(&self, key_pairs: KeyPairs) {
        let mut holders = self.holders.write().unwrap_or_else(PoisonError::into_inner);
        let holder_of = |pair: &super::KeyPair| {
            let limiter = match holders.get(pair.key.id()) {
                Some(holder) => Arc::clone(&holder.limiter),
                None => Arc::new(KeyLimiter::new(self.limits)),
            };
            let holder = Holder {
                key: Arc::new(pair.key.clone()),
                caller: pair.caller.clone(),
                limiter,
            };
            (pair.key.id().to_owned(), Arc::new(holder))
        };
        let replaced = key_pairs.pairs().iter().map(holder_of).collect();
        *holders = replaced;
    }

    /// Puts authentication around a router: its handlers find the [`Caller`] in the request's extensions.
    pub fn protect(&self, router: Router) -> Router {
        self.protect_at(router, SystemTime::now)
    }

    /// As [`protect`](Self::protect), with a clock.
    pub fn protect_at(&self, router: Router, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Router {
        let verify = VerifyLayer::new(self.verifier.clone(), Arc::new(self.clone()), clock);
        router
            .layer(middleware::from_fn_with_state(self.clone(), identify))
            .layer(verify)
            .layer(middleware::from_fn(number))
    }

    fn holder(&self, access_key_id: &str) -> Option<Arc<Holder>> {
        let holders = self.holders.read().unwrap_or_else(PoisonError::into_inner);
        holders.get(access_key_id).cloned()
    }
}

impl Keys for Authentication {
    fn find(&self, access_key_id: &str) -> Option<Arc<AccessKey>> {
        self.holder(access_key_id).map(|holder| Arc::clone(&holder.key))
    }

    fn admit(&self, verified: &Verified, method: &Method) -> Result<(), VerifyError> {
        // The key may have been removed since the signature was verified.
        let holder = self.holder(verified.access_key_id()).ok_or(VerifyError::UnknownKey)?;
        let counted = holder.limiter.count(&holder.caller.name, !method.is_safe());
        counted.map_err(|exceeded| VerifyError::Throttled(exceeded.to_string()))
    }
}

/// Gives the request its id, which rejected ones have in their response, too.
async fn number(mut request: Request, next: Next) -> Response {
    let id = RequestId::new();
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).await;
    id.add_to(&mut response);
    response
}

/// Names the caller of a request.
async fn identify(State(authentication): State<Authentication>, mut request: Request, next: Next) -> Response {
    let verified = request.extensions().get::<Verified>();
    // The key may have been removed since the signature was verified.
    let Some(holder) = verified.and_then(|verified| authentication.holder(verified.access_key_id())) else {
        let message = "The security token included in the request is invalid.";
        return ApiError::new(ErrorCode::Forbidden, message).into_response();
    };
    request.extensions_mut().insert(holder.caller.clone());
    next.run(request).await
}
