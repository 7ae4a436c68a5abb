//! Arguments of the commands for an AWS account, with and without the feature `aws`.

use clap::{Args, Subcommand};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::aws_names::account;

/// A command for an AWS account.
#[derive(Debug, Subcommand)]
pub(crate) enum AwsCommand {
    /// Compare the app with the deployed stacks, and list the resources that CloudFormation would replace
    Diff(DiffArguments),
    /// Deploy to the AWS account
    Deploy(DeployArguments),
    /// Delete stacks from the AWS account, including what Service Connect leaves behind
    Destroy(DestroyArguments),
    /// Print the outputs of deployed stacks, such as addresses
    Outputs(OutputsArguments),
}

/// The AWS account and region of a command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "AWS account")]
pub(crate) struct AwsTarget {
    /// Run against AWS instead of locally (implied by outputs and destroy)
    #[arg(long, global = true)]
    pub(crate) aws: bool,
    /// AWS region. Default: `AWS_REGION`, or the profile's region
    #[arg(long, global = true, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// Profile in ~/.aws/config. Default: `AWS_PROFILE`, or `default`
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Service role with whose permissions CloudFormation changes the stacks' resources; it keeps the role for later
    /// operations. Default: the stack's role, or none: the caller's permissions
    #[arg(long, global = true, value_name = "ARN", value_parser = role_arn)]
    pub(crate) role_arn: Option<String>,
    /// URL of an AWS emulator. Default: `AWS_ENDPOINT_URL`, or the profile's `endpoint_url`
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,
    /// S3 bucket of this account and region for templates over 51,200 bytes, which are uploaded by themselves. Default:
    /// meshwright-templates-ACCOUNT-REGION, created by the first upload; empty for the default
    #[arg(long, global = true, value_name = "NAME", env = "MESHWRIGHT_TEMPLATE_BUCKET", value_parser = bucket_name)]
    pub(crate) template_bucket: Option<String>,
}

impl AwsTarget {
    /// Checks that no option was given that needs an account, for a command that runs locally. Not the template bucket, which
    /// the environment may set.
    pub(crate) fn require_local(&self) -> Result<(), StackInputsError> {
        StackInputsError::reject_given([
            ("--region", self.region.is_some()),
            ("--profile", self.profile.is_some()),
            ("--role-arn", self.role_arn.is_some()),
            ("--endpoint-url", self.endpoint_url.is_some()),
        ])
    }
}

/// Stacks of an app in an account.
#[derive(Debug, Clone, Args)]
pub(crate) struct StackSelection {
    /// Names of stacks. Default: all, in the app's order
    pub(crate) stacks: Vec<String>,
    #[command(flatten)]
    pub(crate) target: AwsTarget,
}

/// Input of a template.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "AWS account")]
pub(crate) struct StackInputs {
    /// Value of a template parameter (repeatable). Default: the deployed stack's value, or the template's default
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = crate::cli::template::parameter)]
    pub(crate) parameters: Vec<(String, String)>,
    /// Addresses that may reach the app's load balancers, such as 203.0.113.7/32 (repeatable, IPv4 and IPv6); other
    /// blocks lose access, a prefix list (AllowedPrefixList) keeps it. Default: none at first, then the deployed ones
    #[arg(long, value_name = "CIDR", conflicts_with = "allow_my_ip", value_parser = cidr)]
    pub(crate) allow_ip: Vec<IpNet>,
    /// Allow only the public IPv4 address of this machine, as reported by checkip.amazonaws.com
    #[arg(long)]
    pub(crate) allow_my_ip: bool,
    /// S3 URL of the synthesized template, which you have uploaded; single stack only. Default: sent with the call, or
    /// uploaded to the bucket of --template-bucket
    #[arg(long, value_name = "URL", value_parser = s3_url)]
    pub(crate) template_url: Option<String>,
}

/// An option that does not fit the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StackInputsError {
    #[cfg(feature = "aws")]
    #[error(
        "--template-url is not supported for rollouts, because each step deploys another template; templates over 51,200 \
         bytes are uploaded by themselves, to the bucket of --template-bucket if you set one"
    )]
    TemplateUrl,
    #[error("{0} requires --aws")]
    RequiresAws(&'static str),
}

impl StackInputsError {
    /// Rejects the first option that was given, for a command that runs locally.
    fn reject_given<const N: usize>(options: [(&'static str, bool); N]) -> Result<(), Self> {
        match options.into_iter().find(|(_, given)| *given) {
            Some((option, _)) => Err(Self::RequiresAws(option)),
            None => Ok(()),
        }
    }
}

impl StackInputs {
    /// Checks that the template is not in S3.
    #[cfg(feature = "aws")]
    pub(crate) fn without_template_url(&self) -> Result<(), StackInputsError> {
        match &self.template_url {
            None => Ok(()),
            Some(_) => Err(StackInputsError::TemplateUrl),
        }
    }

    /// Checks that no option was given, for a command that runs locally.
    pub(crate) fn require_empty(&self) -> Result<(), StackInputsError> {
        StackInputsError::reject_given([
            ("--parameter", !self.parameters.is_empty()),
            ("--allow-ip", !self.allow_ip.is_empty()),
            ("--allow-my-ip", self.allow_my_ip),
            ("--template-url", self.template_url.is_some()),
        ])
    }
}

#[derive(Debug, Clone, Args)]
pub(crate) struct DiffArguments {
    #[command(flatten)]
    pub(crate) selection: StackSelection,
    #[command(flatten)]
    pub(crate) inputs: StackInputs,
    /// Also list resources that were changed outside of CloudFormation (drift), which takes up to some minutes
    #[arg(long)]
    pub(crate) drift: bool,
    /// Compare without the current digests of images in Amazon ECR, as `deploy --skip-checks` deploys
    #[arg(long, env = "MESHWRIGHT_SKIP_CHECKS", value_parser = clap::builder::FalseyValueParser::new())]
    pub(crate) skip_checks: bool,
    /// Exit with code 3 if there are differences
    #[arg(long)]
    pub(crate) exit_code: bool,
}

/// What a deployment may do to an existing stack, and after a failure.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "AWS account")]
pub(crate) struct DeployOptions {
    /// If the deployment fails, keep what was created, to inspect tasks and logs. The next deploy continues it. Not for
    /// changes that replace a resource. Default: CloudFormation rolls back
    #[arg(long)]
    pub(crate) no_rollback: bool,
    /// Update a stack of this name that another app or tool has created. Default: it is rejected
    #[arg(long)]
    pub(crate) adopt: bool,
    /// Skip the checks that the container images exist in Amazon ECR, for the tasks' CPU architecture, and that quotas of
    /// networks and load balancers have room; images keep their deployed digest, or their tag
    #[arg(long, env = "MESHWRIGHT_SKIP_CHECKS", value_parser = clap::builder::FalseyValueParser::new())]
    pub(crate) skip_checks: bool,
}

impl DeployOptions {
    /// Checks that no option was given, for a command that runs locally.
    pub(crate) fn require_empty(self) -> Result<(), StackInputsError> {
        StackInputsError::reject_given([("--no-rollback", self.no_rollback), ("--adopt", self.adopt)])
    }
}

#[derive(Debug, Clone, Args)]
pub(crate) struct DeployArguments {
    #[command(flatten)]
    pub(crate) selection: StackSelection,
    #[command(flatten)]
    pub(crate) inputs: StackInputs,
    #[command(flatten)]
    pub(crate) options: DeployOptions,
    /// Skip the confirmation of permission and network changes
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct DestroyArguments {
    #[command(flatten)]
    pub(crate) selection: StackSelection,
    /// Skip the confirmation
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct OutputsArguments {
    #[command(flatten)]
    pub(crate) selection: StackSelection,
    /// Print JSON: {stack: {output: value}}
    #[arg(long)]
    pub(crate) json: bool,
}

/// A name that S3 accepts for a bucket. Source: S3 user guide, "General purpose bucket naming rules" (read 2026-11-30).
fn bucket_name(text: &str) -> Result<String, String> {
    // An environment variable that a CI system leaves empty.
    if text.is_empty() {
        return Ok(String::new());
    }
    let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_allowed = |c: char| is_end(c) || c == '-' || c == '.';
    let has_ends = text.starts_with(is_end) && text.ends_with(is_end);
    match (3..=63).contains(&text.len()) && has_ends && text.chars().all(is_allowed) {
        true => Ok(text.to_owned()),
        false => Err(
            "expected the name of a bucket, without s3://: 3 to 63 of a-z, 0-9, - and ., with a letter or digit at both ends"
                .to_owned(),
        ),
    }
}

/// An S3 URL in the form that CloudFormation accepts.
fn s3_url(text: &str) -> Result<String, String> {
    match text.starts_with("https://") {
        true => Ok(text.to_owned()),
        false => Err("expected https://BUCKET.s3.REGION.amazonaws.com/KEY".to_owned()),
    }
}

/// A CIDR block of either family, without host bits.
pub(crate) fn cidr(text: &str) -> Result<IpNet, String> {
    match text.contains(':') {
        true => ipv6_cidr(text).map(IpNet::from),
        false => ipv4_cidr(text).map(IpNet::from),
    }
}

/// An IPv4 CIDR block without host bits.
pub(crate) fn ipv4_cidr(text: &str) -> Result<Ipv4Net, String> {
    let network: Ipv4Net = text
        .parse()
        .map_err(|_| "expected an IPv4 CIDR block such as 203.0.113.7/32".to_owned())?;
    match network.trunc() == network {
        true => Ok(network),
        false => Err(host_bits(IpNet::from(network))),
    }
}

/// An IPv6 CIDR block without host bits.
pub(crate) fn ipv6_cidr(text: &str) -> Result<Ipv6Net, String> {
    let network: Ipv6Net = text
        .parse()
        .map_err(|_| "expected an IPv6 CIDR block such as 2001:db8::/56".to_owned())?;
    match network.trunc() == network {
        true => Ok(network),
        false => Err(host_bits(IpNet::from(network))),
    }
}

/// EC2 would clear the host bits, and so allow far more addresses than intended.
fn host_bits(network: IpNet) -> String {
    format!(
        "has host bits; use {} for the network or {}/{} for one address",
        network.trunc(),
        network.addr(),
        network.max_prefix_len()
    )
}

/// The ARN of an IAM role, of any partition.
fn role_arn(text: &str) -> Result<String, String> {
    let fields: Vec<&str> = text.splitn(6, ':').collect();
    match fields.as_slice() {
        ["arn", partition, "iam", "", id, role]
            if !partition.is_empty()
                && account(id).is_ok()
                && role.strip_prefix("role/").is_some_and(|name| !name.is_empty()) =>
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
    fn a_bucket_is_given_by_its_name() {
        for good in ["abc", "my.templates-1", &"a".repeat(63)] {
            assert_eq!(bucket_name(good).as_deref(), Ok(good));
        }
        // A variable of the environment without a value.
        assert_eq!(bucket_name("").as_deref(), Ok(""));
        for bad in [
            "ab",
            "s3://bucket",
            "Bucket",
            "bucket-",
            ".bucket",
            "a/b",
            &"a".repeat(64),
        ] {
            assert!(
                bucket_name(bad)
                    .unwrap_err()
                    .starts_with("expected the name of a bucket"),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_cidr_block_has_no_host_bits() {
        for good in [
            "203.0.113.7/32",
            "10.0.0.0/8",
            "0.0.0.0/0",
            "2001:db8::/56",
            "::1/128",
            "::/0",
        ] {
            assert_eq!(cidr(good).unwrap().to_string(), good);
        }
        let wide = cidr("10.1.2.3/8").unwrap_err();
        assert_eq!(
            wide,
            "has host bits; use 10.0.0.0/8 for the network or 10.1.2.3/32 for one address"
        );
        for bad in ["", "10.0.0.0", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/8; id"] {
            assert_eq!(
                cidr(bad).unwrap_err(),
                "expected an IPv4 CIDR block such as 203.0.113.7/32",
                "{bad}"
            );
        }
        let wide = cidr("2001:db8::1/56").unwrap_err();
        assert_eq!(
            wide,
            "has host bits; use 2001:db8::/56 for the network or 2001:db8::1/128 for one address"
        );
        for bad in [":", "::", "::/129", "2001:db8::/56/2", "10.0.0.0::/8"] {
            assert_eq!(
                cidr(bad).unwrap_err(),
                "expected an IPv6 CIDR block such as 2001:db8::/56",
                "{bad}"
            );
        }
        assert!(ipv4_cidr("::/0").is_err() && ipv6_cidr("0.0.0.0/0").is_err());
    }

    #[test]
    fn only_arns_of_roles_are_accepted() {
        for good in [
            "arn:aws:iam::111122223333:role/cloudformation",
            "arn:aws-cn:iam::111122223333:role/mesh/deploy",
        ] {
            assert_eq!(role_arn(good).unwrap(), good);
        }
        for bad in [
            "",
            "cloudformation",
            "arn:aws:iam::111122223333:user/me",
            "arn:aws:iam::1:role/x",
            "arn:aws:iam::111122223333:role/",
        ] {
            assert!(
                role_arn(bad).unwrap_err().starts_with("expected the ARN of a role"),
                "{bad}"
            );
        }
    }
}
