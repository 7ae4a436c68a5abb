//! Values of the templates that an AWS account keeps: parameters of Systems Manager, and secrets.

use super::{TemplateFiles, Templates};
use crate::cli::error::CliError;

/// Reads the values that the templates name and that no option gives, if `--aws` was given.
pub(crate) fn fetch(files: &TemplateFiles, templates: &mut Templates) -> Result<(), CliError> {
    if !files.reads_account() {
        return Ok(());
    }
    #[cfg(feature = "aws")]
    return account::fetch(files, templates);
    #[cfg(not(feature = "aws"))]
    {
        let _ = templates;
        Err(CliError::AwsDisabled(crate::cli::aws_disabled::enable_hint()))
    }
}

#[cfg(feature = "aws")]
mod account {
    use std::collections::BTreeSet;
    use std::io;

    use mesh_infra::cfn::evaluate::DynamicReference;
    use mesh_infra::deploy::{Environment, ErrorKind};
    use mesh_local::{Images, Link, Plan, StackLinks};

    use super::{CliError, TemplateFiles, Templates};
    use crate::cli::aws::{AwsError, config};
    use crate::cli::aws_args::AwsTarget;
    use crate::console::{Console, print_error};

    /// A value can name another one, which is read in the next round.
    const MAX_ROUNDS: usize = 5;

    pub(super) fn fetch(files: &TemplateFiles, templates: &mut Templates) -> Result<(), CliError> {
        let mut asked: BTreeSet<String> = BTreeSet::new();
        for _ in 0..MAX_ROUNDS {
            // Its errors are reported when all values are there.
            let _plan = Plan::in_environment(&templates.stacks(), templates.environment(), &Images::default());
            let declared = declared_parameters(templates);
            let mut missing = templates.environment().values.missing_references();
            missing.retain(|reference| !declared.contains(&reference.name) && asked.insert(reference.to_string()));
            if missing.is_empty() {
                break;
            }
            for (name, value) in read_all(files, missing)? {
                templates.add_value(name, value);
            }
        }
        Ok(())
    }

    /// The parameters of Systems Manager that the templates declare: their values are those of the templates.
    fn declared_parameters(templates: &Templates) -> BTreeSet<String> {
        let stacks = templates.stacks().into_iter();
        let links = stacks.flat_map(|stack| StackLinks::of(stack, templates.environment()).provides);
        let names = links.filter_map(|link| match link {
            Link::Parameter(name) => Some(name),
            _ => None,
        });
        names.collect()
    }

    /// Why values of an account are not read.
    enum ReadError {
        Runtime(io::Error),
        Account(mesh_infra::deploy::Error),
    }

    impl From<ReadError> for CliError {
        fn from(error: ReadError) -> Self {
            match error {
                ReadError::Runtime(error) => Self::Runtime(error),
                ReadError::Account(error) => AwsError::Deploy(error).into(),
            }
        }
    }

    /// Values by the name under which templates look them up. One that does not exist is a warning: what stands in for it is
    /// listed with the plan.
    fn read_all(files: &TemplateFiles, references: Vec<DynamicReference>) -> Result<Vec<(String, String)>, ReadError> {
        let target = files.aws_target();
        // On a thread of its own: templates are also read while a mesh runs.
        std::thread::scope(|scope| {
            let reading = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = runtime.map_err(ReadError::Runtime)?;
                runtime.block_on(read(&target, references))
            });
            reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    async fn read(target: &AwsTarget, references: Vec<DynamicReference>) -> Result<Vec<(String, String)>, ReadError> {
        let config = config::load(target, &Console::new()).await;
        let environment = Environment::new(&config).map_err(ReadError::Account)?;
        let mut values = Vec::new();
        for mut reference in references {
            match environment.stored_value(&reference).await {
                Ok(value) => {
                    reference.json_key = None;
                    values.push((reference.to_string(), value));
                }
                Err(error) if error.kind() == ErrorKind::Rejected => print_error(&format!("warning: {error}")),
                Err(error) => return Err(ReadError::Account(error)),
            }
        }
        Ok(values)
    }
}
