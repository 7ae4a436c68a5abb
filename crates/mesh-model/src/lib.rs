//! The resources of a mesh as data: App Mesh's resources and Service Connect's configuration, with AWS's JSON keys and
//! limits.
//!
//! The crate does no I/O, is not async, and knows neither Envoy nor an AWS SDK. Validation reports all errors, each
//! with the path to its field.
//!
//! Modules in reading order:
//! - [`service_connect`]: the configuration of one service, ECS's `ServiceConnectConfiguration`;
//! - [`namespace`]: the Service Connect services of a namespace, resolved from the configurations of its ECS services;
//! - [`app_mesh`]: the seven resources of App Mesh, and whole meshes;
//! - [`load_balancer`]: load balancers of Elastic Load Balancing, their rules and target groups;
//! - [`key_casing`]: conversion between the keys of AWS's APIs and of CloudFormation;
//! - [`region`]: partitions of regions.
//!
//! # Status
//!
//! | part of Service Connect | here |
//! |---|---|
//! | `services[]`, `clientAliases[]`, `discoveryName`, `portName` | read, validated, resolved |
//! | `timeout.idleTimeoutSeconds`, `timeout.perRequestTimeoutSeconds` | read, validated, resolved with defaults |
//! | `ingressPortOverride` | read, validated |
//! | `tls`, `testTrafficRules`, `accessLogConfiguration` | rejected by name: not implemented yet |
//!
//! | part of App Mesh | here |
//! |---|---|
//! | the specs of all seven resources, in both key casings | read, validated, written without loss |
//! | references between the resources of a mesh | resolved |
//! | regular expressions of routes and gateway routes | validated as by the RE2 of Envoy 1.40, syntax and size |
//! | tags, owners, versions, ARNs and status of resources | not read |
//! | quotas | backends per virtual node and targets per route; the others were enforced by AWS |

pub mod app_mesh;
pub mod key_casing;
pub mod load_balancer;
pub mod namespace;
pub mod region;
pub mod service_connect;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
