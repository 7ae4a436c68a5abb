//! Check: judges templates without running them. What would run, what is assumed, what is ignored, what cannot run.
//!
//! Templates that are given as files are one set. Those of a folder are grouped first: templates that refer to each other
//! are judged together.

mod document;
mod folder;
mod judge;
mod judgement;
mod sets;
mod summary;
mod table;

use clap::Args;

use self::folder::Folder;
use self::judgement::Judgement;
use self::sets::Candidates;
use crate::cli::error::CliError;
use crate::cli::template::{Runnable, TemplateArguments, plan};
use crate::console::{print, print_error};

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    #[command(flatten)]
    template: TemplateArguments,
    /// Fail if something is assumed, or a part of a service is not simulated
    #[arg(long)]
    strict: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Why a check failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckError {
    /// Templates that cannot be run, each problem with its place.
    #[error("{count} of {total} templates cannot be run locally{}", lines(.problems))]
    NotRunnable {
        count: usize,
        total: usize,
        problems: Vec<String>,
    },
    /// Nothing is wrong but `--strict` was given.
    #[error(
        "--strict: {assumed} assumed and {ignored} not simulated; give values with --value or --parameter, and templates \
         of other stacks with --template"
    )]
    Strict { assumed: usize, ignored: usize },
    #[error("there is no template in {0}")]
    NoTemplate(String),
    /// An option for all stacks that none of them has.
    #[error("--parameter {name}: no template has such a parameter{hint}")]
    UnknownParameter { name: String, hint: String },
}

fn lines(problems: &[String]) -> String {
    problems.iter().map(|problem| format!("\n{problem}")).collect()
}

/// Prints what templates run.
pub(crate) fn run(arguments: &CheckArguments) -> Result<(), CliError> {
    let files = &arguments.template.files;
    let has_folder = files.given().iter().any(|path| path.is_dir());
    if !has_folder && !arguments.json {
        let (plan, _) = plan(&arguments.template, Runnable::OrResources)?;
        let network = arguments.template.network.into();
        print(&summary::text(&plan, network))?;
        let ignored = plan.not_simulated_one_by_one(network);
        let ignored = ignored.iter().filter(|(_, kind)| judgement::is_part(kind)).count();
        return check_strict(arguments.strict, plan.assumed.len(), ignored);
    }
    let Folder { templates, others } = folder::find(files.given())?;
    let candidates = if has_folder {
        Candidates::grouped(files, templates)?
    } else {
        Candidates::together(files, templates)?
    };
    let judged = judge::judge(&arguments.template, candidates)?;
    for warning in &judged.warnings {
        print_error(&format!("warning: {warning}"));
    }
    if arguments.json {
        print(&format!("{:#}", document::document(&judged, others)))?;
    } else {
        print(&table::text(&judged.templates, others))?;
    }
    let problems: Vec<String> = judged.problems().collect();
    if !problems.is_empty() {
        let count = judged.templates.iter().filter(|template| !template.can_run()).count();
        return Err(CliError::Check(CheckError::NotRunnable {
            count,
            total: judged.templates.len(),
            problems,
        }));
    }
    let total = |count: fn(&Judgement) -> usize| judged.templates.iter().map(count).sum();
    check_strict(
        arguments.strict,
        total(|template| template.assumed.len()),
        total(Judgement::ignored_parts),
    )
}

fn check_strict(strict: bool, assumed: usize, ignored: usize) -> Result<(), CliError> {
    if strict && assumed + ignored > 0 {
        return Err(CliError::Check(CheckError::Strict { assumed, ignored }));
    }
    Ok(())
}
