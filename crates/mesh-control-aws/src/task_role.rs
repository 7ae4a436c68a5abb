//! Task roles as identities on the xDS port: an Envoy proves its role by a signed `GetCallerIdentity` request, as
//! aws-iam-authenticator does.
//!
//! ```text
//! task: role credentials ──sign──► token file ──Envoy──► control plane ──► STS: whose signature is it?
//! ```
//!
//! The token is a presigned URL. It lets its holder do one thing, to ask STS who has signed it; the credentials never leave the
//! task. A signature is good for 15 minutes, and for one control plane: it covers a header with the name of that control
//! plane, which the control plane itself sends with the URL.
//!
//! - `presigned`: such URLs, made and checked; pure;
//! - `sts`: the call;
//! - `authenticator`: from a token to the nodes of its role; `token_file`: a file that always has a fresh token.

mod authenticator;
mod presigned;
mod sts;
mod token_file;

pub use authenticator::TaskRoleAuthenticator;
pub use presigned::{PresignedError, TOKEN_PREFIX};
pub use sts::StsEndpoint;
pub use token_file::{TokenFileError, write_token_file};
