//! The nouns of a mesh, and what may be said with them.
//!
//! This crate holds the shapes that every other room agrees on: ECS Service Connect configuration and App Mesh's
//! resources with the JSON names AWS gave them, what follows from them, the limits AWS sets, and the two small
//! vocabularies that a sidecar and the service behind it share (faults and environment variables).
//!
//! It does no I/O, is not async, and knows neither Envoy nor an AWS SDK. Validation never stops at the first
//! problem: [`Diagnostics`] carries all of them, each with the path to the field.
//!
//! Reading order:
//! - [`service_connect`]: the configuration of one service, as ECS's `ServiceConnectConfiguration`;
//! - [`namespace`]: the endpoints of a namespace, resolved from the configurations of its services;
//! - [`app_mesh`]: the seven resources of App Mesh, one by one and as a whole mesh;
//! - [`problem`]: how mistakes are reported;
//! - [`fault`]: how a sidecar tells its service why a call did not get through;
//! - [`environment`]: the variables by which a service learns of its sidecar;
//! - [`mesh_name`]: which host names belong to the mesh;
//! - [`key_casing`]: AWS's two spellings of the same keys.
//!
//! # Status
//!
//! | part of Service Connect | here |
//! |---|---|
//! | `services[]`, `clientAliases[]`, `discoveryName`, `portName` | read, validated, resolved to endpoints |
//! | `timeout.idleTimeoutSeconds`, `timeout.perRequestTimeoutSeconds` | read, validated, resolved with defaults |
//! | `ingressPortOverride` | read, validated |
//! | `tls`, `testTrafficRules`, `accessLogConfiguration` | refused by name: nothing behind them exists yet |
//!
//! | part of App Mesh | here |
//! |---|---|
//! | the specs of all seven resources, in the API's and CloudFormation's spelling | read, validated, written without loss |
//! | references between the resources of a mesh | resolved |
//! | regular expressions of routes and gateway routes | judged as the RE2 of Envoy 1.40 would, syntax and size |
//! | tags, owners, versions, ARNs and status of resources | not here: nothing reads them yet |
//! | quotas | backends per virtual node and targets per route; the others are AWS's to enforce, and AWS is gone |

pub mod app_mesh;
pub mod key_casing;
pub mod namespace;
pub mod service_connect;
