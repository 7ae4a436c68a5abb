//! `policy`: IAM policies for the deployer and for CloudFormation's service role. Makes no call to AWS.

use clap::{Args, ValueEnum};
use indexmap::IndexMap;
use mesh_infra::{DeployerRole, Deployment, Template};

use crate::cli::aws_args::AwsTarget;
use crate::cli::aws_names::account;
use crate::cli::error::CliError;
use crate::console::print;

/// What a policy is for.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum PolicyKind {
    /// The user or role that runs `diff`, `deploy`, `outputs` and `destroy`
    Deployer,
    /// The role of `deploy --role-arn`, which CloudFormation uses for the stacks' resources
    ServiceRole,
}

/// Arguments of `policy`, besides stacks and region.
#[derive(Debug, Clone, Args)]
pub(crate) struct PolicyArguments {
    /// What the policy is for
    #[arg(value_enum)]
    kind: PolicyKind,
    /// Account of the stacks. Default: every account
    #[arg(long, value_name = "ID", value_parser = account)]
    account: Option<String>,
}

/// Prints the policy for these stacks as JSON.
pub(crate) fn print_policy(
    arguments: &PolicyArguments,
    target: &AwsTarget,
    stacks: &IndexMap<String, Template>,
) -> Result<(), CliError> {
    let mut deployment = Deployment::new(stacks);
    if let Some(account) = &arguments.account {
        deployment = deployment.with_account(account);
    }
    if let Some(region) = &target.region {
        deployment = deployment.with_region(region);
    }
    let policy = match (arguments.kind, &target.role_arn) {
        (PolicyKind::Deployer, Some(arn)) => deployment.deployer_policy(&DeployerRole::WithServiceRole(arn.clone())),
        (PolicyKind::Deployer, None) => deployment.deployer_policy(&DeployerRole::WithoutServiceRole),
        (PolicyKind::ServiceRole, None) => deployment.service_role_policy(),
        (PolicyKind::ServiceRole, Some(_)) => {
            let message = "--role-arn is an option of `policy deployer`: the service role does not pass itself";
            return Err(CliError::Usage(message.to_owned()));
        }
    }?;
    print(&format!("{policy:#}"))?;
    Ok(())
}
