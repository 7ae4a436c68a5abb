//! The verbs that need an AWS account: what can be said on the command line, whether this program was built with them or
//! not.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use ipnet::Ipv4Net;
use mesh_infra::App;

/// A verb for an account.
#[derive(Debug, Subcommand)]
pub(crate) enum AwsCommand {
    /// Say what deploying would change in the AWS account, and what CloudFormation would replace.
    Diff(DiffArguments),
    /// Deploy to the AWS account.
    Deploy(DeployArguments),
    /// Remove from the AWS account, with what its services left behind.
    Destroy(DestroyArguments),
    /// Print what the deployed stacks tell, such as addresses.
    Outputs(OutputsArguments),
}

/// Which account.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "AWS account")]
pub(crate) struct AwsTarget {
    /// The AWS account is meant, not this machine. May be left out where a verb is for nothing else.
    #[arg(long, global = true)]
    pub(crate) aws: bool,
    /// The region. Default: `AWS_REGION`, or the profile's.
    #[arg(long, global = true, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// The profile in ~/.aws/config. Default: `AWS_PROFILE`, or `default`.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Where AWS's APIs are, if not in AWS: an emulator. Default: `AWS_ENDPOINT_URL`, or the profile's `endpoint_url`.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,
}

/// Which stacks of an app, and in which account.
#[derive(Debug, Clone, Args)]
pub(crate) struct Place {
    /// Which stacks. Default: all, in the order in which the app has them.
    pub(crate) stacks: Vec<String>,
    #[command(flatten)]
    pub(crate) target: AwsTarget,
}

/// What is given to a template.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "AWS account")]
pub(crate) struct StackInputs {
    /// The value of a template parameter; may be repeated. Default: what the deployed stack has, or the template's own.
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = crate::cli::template::parameter)]
    pub(crate) parameters: Vec<(String, String)>,
    /// Who may reach what the stack opens, by addresses: 203.0.113.7/32. Default: nobody.
    #[arg(long, value_name = "CIDR", conflicts_with = "allow_my_ip", value_parser = cidr)]
    pub(crate) allow_ip: Option<Ipv4Net>,
    /// Let this machine reach what the stack opens, at the address that checkip.amazonaws.com sees.
    #[arg(long)]
    pub(crate) allow_my_ip: bool,
    /// Where the template of the one stack lies in S3, as `synth` prints it: for one that is too long to be sent. Default:
    /// it is sent.
    #[arg(long, value_name = "URL", value_parser = in_s3)]
    pub(crate) template_url: Option<String>,
}

impl StackInputs {
    /// Whether the template is sent, to somebody who changes it again and again.
    #[cfg(feature = "aws")]
    pub(crate) fn is_sent(&self) -> Result<(), String> {
        match &self.template_url {
            None => Ok(()),
            Some(_) => Err(
                "--template-url cannot be used here: each step of a rollout is another template, so it has to be short \
                 enough to be sent"
                    .to_owned(),
            ),
        }
    }

    /// Whether anything was given, to somebody who can do nothing with it.
    pub(crate) fn is_nothing(&self) -> Result<(), String> {
        let addresses = self.allow_ip.is_some() || self.allow_my_ip;
        match self.parameters.is_empty() && !addresses && self.template_url.is_none() {
            true => Ok(()),
            false => Err(
                "--parameter, --allow-ip, --allow-my-ip and --template-url are for an AWS account: add --aws"
                    .to_owned(),
            ),
        }
    }
}

#[derive(Debug, Clone, Args)]
pub(crate) struct DiffArguments {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    pub(crate) given: StackInputs,
    /// End with exit code 3 if anything would change. Default: 0, whether anything would or not.
    #[arg(long)]
    pub(crate) exit_code: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct DeployArguments {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    pub(crate) given: StackInputs,
    /// Do not ask before roles, policies or what can be reached from where change.
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct DestroyArguments {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct OutputsArguments {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Print a JSON document: stack, output, value.
    #[arg(long)]
    pub(crate) json: bool,
}

impl AwsCommand {
    /// Does what the verb says.
    #[cfg(feature = "aws")]
    pub(crate) fn run(self, app: &App) -> Result<ExitCode, String> {
        crate::cli::aws::run(self, app)
    }

    /// Says how a program is built that can.
    #[cfg(not(feature = "aws"))]
    pub(crate) fn run(self, _app: &App) -> Result<ExitCode, String> {
        Err(crate::cli::aws_disabled::enable_hint())
    }
}

/// A place in S3, as CloudFormation takes it.
fn in_s3(text: &str) -> Result<String, String> {
    match text.starts_with("https://") {
        true => Ok(text.to_owned()),
        false => Err("expected https://BUCKET.s3.REGION.amazonaws.com/KEY".to_owned()),
    }
}

/// Addresses of a network, as AWS takes them.
fn cidr(text: &str) -> Result<Ipv4Net, String> {
    let network: Ipv4Net = text
        .parse()
        .map_err(|_| "expected addresses such as 203.0.113.7/32".to_owned())?;
    match network.trunc() == network {
        true => Ok(network),
        // EC2 would take the network around it, which may be far more than was meant.
        false => Err(format!(
            "is one address in the network {}; say which of the two is meant",
            network.trunc()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_a_network() {
        for good in ["203.0.113.7/32", "10.0.0.0/8", "0.0.0.0/0"] {
            assert_eq!(cidr(good).unwrap().to_string(), good);
        }
        let wide = cidr("10.1.2.3/8").unwrap_err();
        assert_eq!(
            wide,
            "is one address in the network 10.0.0.0/8; say which of the two is meant"
        );
        for bad in ["", "10.0.0.0", "10.0.0.0/33", "10.0.0/8", "::/0", "10.0.0.0/8; id"] {
            assert_eq!(
                cidr(bad).unwrap_err(),
                "expected addresses such as 203.0.113.7/32",
                "{bad}"
            );
        }
    }
}
