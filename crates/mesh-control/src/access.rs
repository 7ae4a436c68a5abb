//! Access to the xDS port: what clients present, and the nodes for which it is good.
//!
//! | a client presents | is | may act as |
//! |---|---|---|
//! | `authorization: Bearer TOKEN` | who the token names, signed with a key of [`TokenKeys`] | the nodes in the token |
//! | a TLS client certificate with a SPIFFE ID | that ID | the node in its path |
//! | another TLS client certificate | its URI and DNS names | the nodes of [`XdsAuthenticator::allow`] |
//!
//! `mesh-control-aws` adds the role of an ECS task, by [`XdsAuthenticator::with_bearer`]. Nodes are written as
//! [`NodeGrant`]s. `docs/security.md` of the repository has the threat model.

mod authenticator;
mod certificate;
mod grant;
mod protection;
mod token;
mod token_keys;

pub use authenticator::{GrantedPrincipal, XdsAuthenticator};
pub use grant::{InvalidGrant, NodeGrant};
pub use protection::{AllowedNode, InvalidAllowedNode, XdsProtection, XdsProtectionError};
pub use token::{Claims, TokenError};
pub use token_keys::{TokenKeys, TokenKeysError};
