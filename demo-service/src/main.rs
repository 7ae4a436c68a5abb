//! Binary of the demo service; the library contains it, so that other binaries can run it too.

use std::process::ExitCode;

fn main() -> ExitCode {
    demo_service::main(std::env::args_os().skip(1))
}
