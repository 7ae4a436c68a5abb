//! The traffic client as a binary. Everything is in the library, which other binaries can run as well.

use std::process::ExitCode;

fn main() -> ExitCode {
    demo_service::traffic::main(std::env::args_os().skip(1))
}
