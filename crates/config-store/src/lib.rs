#![doc = include_str!("../README.md")]
//!
//! # Modules
//!
//! ```text
//! Envoys ACK ──► Writer ──► Store ──► Reader ──► StoredSource ──► an Envoy that starts
//!               (signs)     │       (verifies)
//!                        Storage: Folder
//! ```
//!
//! Reading order:
//! - [`view_key`]: which nodes have the same configuration;
//! - [`manifest`]: the signed list of the resources of one view;
//! - [`keys`]: the key pair that signs and verifies it;
//! - [`store`]: the layout of a store;
//! - [`storage`], [`folder`]: where its objects are;
//! - [`writer`]: stores what Envoys have accepted;
//! - [`reader`]: the newest configuration that passes every check;
//! - [`source`]: the same as a source of an xDS server.

pub mod folder;
pub mod keys;
pub mod manifest;
pub mod reader;
pub mod source;
pub mod storage;
pub mod store;
pub mod view_key;
pub mod writer;

pub use folder::Folder;
pub use keys::{KeyError, PublicKey, SigningKey};
pub use manifest::{Entry, Manifest};
pub use reader::{Reader, Rejection, Stored};
pub use source::StoredSource;
pub use storage::{Storage, StorageError};
pub use store::Store;
pub use view_key::ViewKey;
pub use writer::{Writer, WriterStatus};
