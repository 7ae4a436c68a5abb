//! `policy`: IAM policies for the deployer and for CloudFormation's service role. Makes no call to AWS.

use clap::{Args, ValueEnum};
use indexmap::IndexMap;
use mesh_infra::{DeployerRole, Deployment, Template};

use crate::cli::error::CliError;

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
    /// Service role that the deployer passes to CloudFormation. Default: none; CloudFormation then uses the deployer's
    /// permissions, and the deployer's policy contains those of the service role
    #[arg(long, value_name = "ARN", value_parser = role_arn)]
    role_arn: Option<String>,
}

/// The policy for these stacks, as JSON.
pub(crate) fn render(
    arguments: &PolicyArguments,
    stacks: &IndexMap<String, Template>,
    region: Option<&str>,
) -> Result<String, CliError> {
    let mut deployment = Deployment::new(stacks);
    if let Some(account) = &arguments.account {
        deployment = deployment.with_account(account);
    }
    if let Some(region) = region {
        deployment = deployment.with_region(region);
    }
    let policy = match (arguments.kind, &arguments.role_arn) {
        (PolicyKind::Deployer, Some(arn)) => deployment.deployer_policy(&DeployerRole::WithServiceRole(arn.clone())),
        (PolicyKind::Deployer, None) => deployment.deployer_policy(&DeployerRole::WithoutServiceRole),
        (PolicyKind::ServiceRole, None) => deployment.service_role_policy(),
        (PolicyKind::ServiceRole, Some(_)) => {
            let message = "--role-arn is an option of `policy deployer`: the service role does not pass itself";
            return Err(CliError::Usage(message.to_owned()));
        }
    }?;
    Ok(format!("{policy:#}"))
}

fn account(text: &str) -> Result<String, String> {
    let is_account = text.len() == 12 && text.bytes().all(|digit| digit.is_ascii_digit());
    match is_account {
        true => Ok(text.to_owned()),
        false => Err("expected the 12 digits of an account".to_owned()),
    }
}

/// The ARN of an IAM role, of any partition.
pub(crate) fn role_arn(text: &str) -> Result<String, String> {
    let fields: Vec<&str> = text.splitn(6, ':').collect();
    match fields.as_slice() {
        ["arn", partition, "iam", "", id, role]
            if !partition.is_empty() && account(id).is_ok() && role.strip_prefix("role/").is_some_and(|name| !name.is_empty()) =>
        {
            Ok(text.to_owned())
        }
        _ => Err("expected the ARN of a role, such as arn:aws:iam::111122223333:role/cloudformation".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_arns_of_roles_are_accepted() {
        for good in [
            "arn:aws:iam::111122223333:role/cloudformation",
            "arn:aws-cn:iam::111122223333:role/mesh/deploy",
        ] {
            assert_eq!(role_arn(good).unwrap(), good);
        }
        for bad in ["", "cloudformation", "arn:aws:iam::111122223333:user/me", "arn:aws:iam::1:role/x", "arn:aws:iam::111122223333:role/"] {
            assert!(role_arn(bad).unwrap_err().starts_with("expected the ARN of a role"), "{bad}");
        }
        assert!(account("11112222333").is_err());
    }
}
