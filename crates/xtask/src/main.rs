//! Development tasks: generates code from the CloudFormation resource schemas.
//!
//! ```text
//! cargo run -p xtask -- generate            rewrites the generated files
//! cargo run -p xtask -- generate --check    fails if one of them is not current
//! ```
//!
//! The files are the property table, the structs of layer 1, both of which `selection` describes, and the table of taggable
//! resource types, all in `crates/cfn`. The schemas are those in cfn-lint, at the version that the tests pin (`crates/envoy-install/requirements.txt`).

mod generate;
mod layer1;
mod property_table;
mod rustfmt;
mod schemas;
mod selection;
mod tags;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Development tasks of this workspace.
#[derive(Debug, Parser)]
#[command(name = "xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Generate code from the CloudFormation resource schemas.
    Generate {
        /// Compare the committed files with what would be generated.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    let Task::Generate { check } = Arguments::parse().task;
    let result = if check { generate::check() } else { generate::write() };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
