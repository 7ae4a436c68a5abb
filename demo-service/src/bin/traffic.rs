//! Binary of the load client; the library contains it, so that other binaries can run it too.

use std::process::ExitCode;

fn main() -> ExitCode {
    demo_service::traffic::main(std::env::args_os().skip(1))
}
