//! A control plane for Envoy: what is true about a mesh goes in, configuration that Envoys accept comes out.
//!
//! ```text
//! World ──translate──► Snapshot ──ads──► Envoy
//!   ▲    (pure)      (consistent)  (told in order, answers kept)
//!   └── ControlPlane::update
//! ```
//!
//! It is no proxy and starts no process. It keeps no list of tasks: each Envoy says in its node metadata how
//! its task is wired ([`Wiring`]). It knows nothing of CloudFormation; others tell it what is true.
//!
//! Reading order:
//! - [`world`]: what is true for all Envoys;
//! - [`node`]: who an Envoy says it is;
//! - `translate`: from the two to Envoy's resources, pure;
//! - [`snapshot`]: those resources, named, versioned, checked against each other;
//! - [`ads`]: how they are told, in both variants of the protocol, and what becomes of refusals;
//! - [`source`]: the seam between what is true and how it is told;
//! - [`control_plane`]: the whole, served;
//! - [`bootstrap`]: the file an Envoy starts from;
//! - [`hop`]: what Envoys write down about requests, to find the path one took.
//!
//! # Status
//!
//! | feature | here |
//! |---|---|
//! | ADS, state of the world and delta | served; tested with Envoy 1.40 |
//! | clusters, endpoints, listeners, routes | served in make-before-break order |
//! | secrets, runtime, scoped and virtual-host routes | not served: nothing here needs them |
//! | Service Connect, explicit wiring, HTTP/1.1, HTTP/2, gRPC, TCP | translated |
//! | Service Connect, intercepted wiring; TLS | not yet |
//! | App Mesh | not yet |
//! | access control and TLS on the xDS port | not yet: bind it to loopback |

pub mod ads;
pub mod bootstrap;
pub mod control_plane;
pub mod hop;
pub mod node;
pub mod snapshot;
pub mod source;
mod translate;
pub mod world;

pub use bootstrap::Bootstrap;
pub use control_plane::{Addresses, ControlPlane};
pub use node::{ServiceIdentity, Wiring};
pub use snapshot::Snapshot;
pub use world::{Instance, World};
