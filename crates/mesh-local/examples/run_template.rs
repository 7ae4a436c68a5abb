//! Runs a CloudFormation template with local programs until Ctrl-C.
//!
//! ```text
//! cargo run -p mesh-local --example run_template -- template.yaml 'team/app=python3 -m http.server'
//! ```
//!
//! The tests of this crate use this program to launch child processes.

use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsString;
use std::process::ExitCode;

use mesh_infra::Template;
use mesh_local::launcher::exec_program;
use mesh_local::{Image, Images, Launcher, LocalMesh, Network, Plan, StackInput};

/// The first argument of launched child processes.
const LAUNCH: &str = "__launch";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let result = match arguments.split_first() {
        // Before any other thread is started.
        Some((verb, rest)) if verb == LAUNCH => Err(exec_program(rest).into()),
        Some((template, images)) => run(template, images),
        None => Err("usage: run_template TEMPLATE [IMAGE=COMMAND]...".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(template: &OsString, images: &[OsString]) -> Result<(), Box<dyn Error>> {
    let template = Template::from_text(&std::fs::read_to_string(template)?)?;
    let stack = StackInput {
        name: "example",
        template: &template,
        parameters: &BTreeMap::new(),
    };
    let plan = Plan::new(&[stack], &parse_images(images)?)?.with_services()?;
    let launcher = Launcher::new([std::env::current_exe()?.into_os_string(), LAUNCH.into()]);
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let mut mesh = LocalMesh::start(plan, Network::Shared, launcher, |event| println!("{event}")).await?;
        mesh.ready().await?;
        for task in mesh.tasks() {
            println!(
                "{}: ingress {:?}, applications {:?}",
                task.task, task.ingress, task.applications
            );
        }
        tokio::signal::ctrl_c().await?;
        mesh.shutdown().await;
        Ok(())
    })
}

fn parse_images(arguments: &[OsString]) -> Result<Images, Box<dyn Error>> {
    let mut images = Images::default();
    for argument in arguments {
        let pair = argument.to_str().and_then(|text| text.split_once('='));
        let (name, command) = pair.ok_or_else(|| format!("`{}` is not IMAGE=COMMAND", argument.display()))?;
        images = images.with(name, Image::new(command.split_whitespace()));
    }
    Ok(images)
}
