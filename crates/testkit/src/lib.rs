//! Test doubles, tools and assertions shared by the tests of this workspace. A dev-dependency, never published.
//!
//! | for | use |
//! |---|---|
//! | an Envoy | [`envoy()`] |
//! | cfn-lint, hadolint | [`python_tools()`] |
//! | an emulator of AWS: MiniStack, moto | [`Server`] |
//!
//! A tool that cannot be installed fails the test; no test is skipped.

mod python_tools;
mod server;

use std::sync::OnceLock;

pub use envoy_install::{Envoy, HostEnv};
pub use python_tools::PythonTools;
pub use server::Server;

/// An Envoy, located once per process.
///
/// # Panics
///
/// If there is none and none can be installed.
pub fn envoy() -> &'static Envoy {
    static ENVOY: OnceLock<Envoy> = OnceLock::new();
    ENVOY.get_or_init(|| {
        Envoy::locate(&HostEnv::from_env(), &mut |progress| eprintln!("{progress}"))
            .unwrap_or_else(|error| panic!("this test needs an Envoy: {error}"))
    })
}

/// The Python tools, located or installed once per process.
///
/// # Panics
///
/// If they cannot be installed.
pub fn python_tools() -> &'static PythonTools {
    static TOOLS: OnceLock<PythonTools> = OnceLock::new();
    TOOLS.get_or_init(|| {
        PythonTools::install(&HostEnv::from_env(), &mut |progress| eprintln!("{progress}"))
            .unwrap_or_else(|error| panic!("this test needs Python tools: {error}"))
    })
}
