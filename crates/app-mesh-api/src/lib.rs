//! AWS App Mesh's REST API, version 2019-01-25, as a library: all 38 operations, over durable storage, with the meshes as
//! the translation to Envoy reads them.
//!
//! ```no_run
//! use app_mesh_api::auth::loopback_only;
//! use app_mesh_api::server::{Limits, serve};
//! use app_mesh_api::{FileStore, Service, Settings, router};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let store = FileStore::open("meshes.state")?;
//! let service = Service::open(store, Settings::default()).await?;
//! let meshes = service.subscribe();
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let api = loopback_only(router(service));
//! serve(listener, api, Limits::default(), std::future::pending()).await;
//! # drop(meshes);
//! # Ok(())
//! # }
//! ```
//!
//! The [`router()`] takes the [`Caller`] from the request's extensions. [`Authentication`] puts it there, from AWS Signature
//! Version 4; without it, every caller may do everything, and [`loopback_only`](auth::loopback_only) keeps web pages out.
//! The crate does not know Envoy; it knows AWS SDKs with the feature `aws` only.
//!
//! Modules in reading order:
//! - [`operation`]: the operations as data; [`error`]: App Mesh's exceptions; [`caller`] and [`settings`];
//! - [`registry`]: all resources and the rules for changing them, pure;
//! - [`store`]: durable storage: a trait, a file, memory;
//! - [`service`]: operations of concurrent callers over a store; [`audit`]: the log of their changes;
//!   [`claims`]: beside another source of meshes;
//! - [`response`]: bodies of responses; [`rest`]: paths, parameters and bodies of requests;
//! - [`auth`]: key pairs, signatures and rate limits around it; [`server`]: connections, with limits.
//!
//! # Features
//!
//! `aws`: [`store`] in DynamoDB, key pairs in Secrets Manager.
//!
//! # Audit log
//!
//! Each change is an event of `tracing` with the target `app_mesh_api::audit` and the fields `caller`, `operation`,
//! `resource` (an ARN), `old_version` and `new_version` (0: none). Over HTTP it is in the span `request`, with the fields
//! `request_id` and `source`. For a file of their own, there is [`AuditLog`].
//!
//! # Status
//!
//! | part of the API | here |
//! |---|---|
//! | create, describe, update, list and delete of the seven resource types | yes |
//! | tags | yes; listed by key |
//! | `clientToken` | remembered for a day, the last 8 of each resource |
//! | quotas | AWS's defaults, adjustable |
//! | meshes that other accounts share | not found: one service is one account |
//! | references to what does not exist | accepted in routes, gateway routes, virtual services and backends |
//! | `mirrors` of HTTP routes, a field that App Mesh lacks | accepted |

pub mod audit;
pub mod auth;
#[cfg(feature = "aws")]
mod aws;
pub mod caller;
pub mod claims;
pub mod error;
pub mod operation;
pub mod registry;
pub mod response;
pub mod rest;
pub mod server;
pub mod service;
pub mod settings;
pub mod store;

pub use audit::AuditLog;
pub use auth::{Authentication, KeyPairs, KeySource, RateLimits};
pub use caller::{Access, Caller, Origin};
pub use error::{ApiError, ErrorCode};
pub use operation::Operation;
pub use registry::Registry;
pub use rest::router;
pub use service::{Extensions, Service};
pub use settings::{Environment, Quotas, Settings};
pub use store::{FileStore, MemoryStore, Store};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
