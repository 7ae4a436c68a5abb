//! The demo service as a binary. Everything is in the library, which other binaries can run as well.

use std::process::ExitCode;

fn main() -> ExitCode {
    demo_service::main(std::env::args_os().skip(1))
}
