//! Finds or installs an Envoy, prints where it is, and validates a configuration file with it.
//!
//! ```text
//! cargo run -p envoy-install --example locate
//! cargo run -p envoy-install --example locate -- envoy.yaml
//! ```

use std::error::Error;

use envoy_install::{Envoy, HostEnv, Origin};

fn main() -> Result<(), Box<dyn Error>> {
    let envoy = Envoy::locate(&HostEnv::from_env(), &mut |progress| eprintln!("{progress}"))?;
    let origin = match envoy.origin {
        Origin::EnvoyBin => "named by ENVOY_BIN",
        Origin::Path => "found on PATH",
        Origin::Cache => "installed earlier",
        Origin::Installed => "installed now",
    };
    println!("Envoy {} at {}, {origin}", envoy.version, envoy.path.display());

    if let Some(config) = std::env::args_os().nth(1) {
        let mut command = envoy.command();
        let status = command
            .args(["--mode", "validate", "--config-path"])
            .arg(config)
            .status()?;
        if !status.success() {
            return Err(format!("the configuration is not valid: Envoy ended with {status}").into());
        }
    }
    Ok(())
}
