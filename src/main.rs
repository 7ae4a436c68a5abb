//! The `meshwright` binary.

fn main() -> std::process::ExitCode {
    meshwright::main()
}
