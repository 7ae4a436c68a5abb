//! A host program with nothing to do but the work of its children: what any program that uses `mesh-local` does first
//! in `main`, under an argument of its own. The tests of this crate start theirs through it.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    eprintln!("error: {}", mesh_local::launcher::exec_program(&arguments));
    ExitCode::FAILURE
}
