//! Checks regular expressions: prints the valid ones, and why the others are not valid.
//!
//! ```text
//! cargo run -p re2-syntax --example check -- '/users/[0-9]+' '(?=lookahead)' '(a{100}){100}'
//! ```

use std::process::ExitCode;

fn main() -> ExitCode {
    let expressions: Vec<String> = std::env::args().skip(1).collect();
    if expressions.is_empty() {
        eprintln!("usage: check EXPRESSION...");
        return ExitCode::from(2);
    }
    let mut exit_code = ExitCode::SUCCESS;
    for expression in &expressions {
        match re2_syntax::check(expression) {
            Ok(()) => println!("`{expression}` is valid"),
            Err(error) => {
                println!("the expression {error}");
                exit_code = ExitCode::FAILURE;
            }
        }
    }
    exit_code
}
