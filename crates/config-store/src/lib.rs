#![doc = include_str!("../README.md")]
//!
//! # Modules
//!
//! ```text
//! Envoys ACK ──► Writer ──► Store ──► Reader ──► StoredSource ──► an Envoy that starts
//!               (signs)     │       (verifies)
//!                 Storage: Folder, Bucket
//! ```
//!
//! Reading order:
//! - [`view_key`]: which nodes have the same configuration;
//! - [`manifest`]: the signed list of the resources of one view;
//! - [`keys`]: the key pair that signs and verifies it;
//! - [`store`]: the layout of a store;
//! - [`storage`], [`folder`], `s3`: where its objects are; [`location`]: how programs name it;
//! - [`writer`]: stores what Envoys have accepted;
//! - [`reader`]: the newest configuration that passes every check;
//! - [`source`]: the same as a source of an xDS server.

pub mod folder;
pub mod keys;
pub mod location;
pub mod manifest;
pub mod reader;
#[cfg(feature = "s3")]
pub mod s3;
pub mod source;
pub mod storage;
pub mod store;
pub mod view_key;
pub mod writer;

pub use folder::Folder;
pub use keys::{KeyError, PublicKey, SigningKey};
pub use location::{BucketPrefix, Location};
pub use manifest::{Entry, Manifest};
pub use reader::{Reader, Rejection, Stored};
#[cfg(feature = "s3")]
pub use s3::Bucket;
pub use source::StoredSource;
pub use storage::{Storage, StorageError};
pub use store::Store;
pub use view_key::ViewKey;
pub use writer::{Writer, WriterStatus};
