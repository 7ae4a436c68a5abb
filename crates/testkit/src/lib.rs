//! Test doubles, tools and assertions shared by the tests of this workspace. A dev-dependency, never published.
//!
//! | for | use | feature |
//! |---|---|---|
//! | an Envoy | [`envoy()`] | |
//! | cfn-lint, hadolint, parliament | [`python_tools()`] | |
//! | an emulator of AWS: MiniStack, moto | [`Server`] | |
//! | a temporary directory with files and scripts | `Workdir` | |
//! | comparison with a golden file | [`assert_golden!`], [`golden_path!`] | |
//! | polling in blocking code | `wait_until_blocking` | |
//! | polling and timeouts on tokio | `wait_until`, `eventually`, `with_timeout` | `poll` |
//! | a port without a listener | `closed_port` | `poll` |
//! | a proxy with faults in front of an emulator | `FaultProxy` | `fault-proxy` |
//! | a DNS server | `DnsServer` | `dns` |
//! | an OpenTelemetry collector | `OtlpCollector` | `otlp`, `otlp-grpc` |
//! | a server in place of a sidecar | `FakeSidecar` | `sidecar` |
//! | a test in a process of its own | `own_process()` | `own-process` |
//! | an allow-list for foreign types in a public API | `public_api` | `public-api` |
//!
//! A tool that cannot be installed fails the test; no test is skipped.

#[cfg(feature = "dns")]
pub mod dns;
#[cfg(feature = "fault-proxy")]
mod fault_proxy;
mod golden;
#[cfg(feature = "otlp")]
pub mod otlp;
#[cfg(feature = "own-process")]
mod own_process;
mod poll;
#[cfg(feature = "public-api")]
pub mod public_api;
mod python_tools;
mod server;
#[cfg(feature = "sidecar")]
pub mod sidecar;
mod workdir;

use std::sync::OnceLock;

#[cfg(feature = "dns")]
pub use dns::DnsServer;
pub use envoy_install::{Envoy, HostEnv};
#[cfg(feature = "fault-proxy")]
pub use fault_proxy::{Fault, FaultProxy};
pub use golden::assert_golden_file;
#[cfg(feature = "otlp")]
pub use otlp::OtlpCollector;
#[cfg(feature = "own-process")]
pub use own_process::own_process;
pub use poll::wait_until_blocking;
#[cfg(feature = "poll")]
pub use poll::{closed_port, eventually, wait_until, with_timeout};
pub use python_tools::PythonTools;
pub use server::Server;
#[cfg(feature = "sidecar")]
pub use sidecar::FakeSidecar;
pub use workdir::Workdir;

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
