//! Images: prints the commands that build and push this project's container images.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use mesh_infra::images::{CONTROL_PLANE, ENVOY, ENVOY_AGENT, ENVOY_MIRROR};

use super::aws_names::{account, region};
use crate::self_exec::DEMO_SERVICE_IMAGE;

/// The images and their Dockerfiles.
const IMAGES: [(&str, &str); 3] = [
    (DEMO_SERVICE_IMAGE, "demo-service/Dockerfile"),
    (CONTROL_PLANE, "crates/mesh-control-aws/Dockerfile"),
    (ENVOY_AGENT, "crates/envoy-agent/Dockerfile"),
];

/// The tag of the images: the version of this crate, so that a template pins the images it was made for.
pub const IMAGE_TAG: &str = env!("CARGO_PKG_VERSION");

#[derive(Debug, Args)]
pub(crate) struct ImagesArguments {
    /// Account ID of 12 digits. Default: the AWS CLI's, at run time of the script
    #[arg(long, value_parser = account)]
    account: Option<String>,
    /// AWS region. Default: the AWS CLI's, at run time of the script
    #[arg(long, env = "AWS_REGION", value_parser = region)]
    region: Option<String>,
    /// Profile of the AWS CLI. Default: the AWS CLI's, at run time of the script
    #[arg(long, value_parser = profile)]
    profile: Option<String>,
    /// Platform of the images; must match the task definitions
    #[arg(long, value_enum, default_value_t)]
    platform: Platform,
}

/// The platform of images.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Platform {
    /// Intel and AMD, Fargate's default
    #[default]
    #[value(name = "linux/amd64")]
    Amd64,
    /// Graviton
    #[value(name = "linux/arm64")]
    Arm64,
}

/// Whether a repository in ECR is one that the script pushes to.
#[cfg(feature = "aws")]
pub(crate) fn is_own_repository(repository: &str) -> bool {
    repository == ENVOY_MIRROR.0 || IMAGES.iter().any(|(image, _)| *image == repository)
}

/// A script for `sh`, to be run in a checkout of the project.
pub(crate) fn script(arguments: &ImagesArguments) -> String {
    let platform = match arguments.platform {
        Platform::Amd64 => "linux/amd64",
        Platform::Arm64 => "linux/arm64",
    };
    let account = arguments
        .account
        .as_deref()
        .unwrap_or("$(aws sts get-caller-identity --region \"$region\" --query Account --output text)");
    let region = arguments.region.as_deref();
    // `aws configure get` fails without a region, and says nothing.
    let region = region.unwrap_or("${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || true)}}");
    let profile = arguments.profile.as_deref();
    let profile = profile.map_or_else(String::new, |profile| format!("export AWS_PROFILE='{profile}'\n"));
    let (envoy, envoy_tag) = ENVOY_MIRROR;
    let files = IMAGES.map(|(_, file)| file).join(" ");
    let mut script = format!(
        "# Builds the images of version {IMAGE_TAG}, and pushes them and a copy of Envoy's to Amazon ECR. Needs Docker and\n\
         # the AWS CLI, and runs in a checkout of the project.\n\
         set -eu\n\
         for file in {files}; do\n\
         \x20   [ -f \"$file\" ] || {{ echo \"$file: no such file; run this script in a checkout of meshwright\" >&2; exit 1; }}\n\
         done\n\
         {profile}\
         region={region}\n\
         : \"${{region:?set AWS_REGION, or give --region}}\"\n\
         account={account}\n\
         case \"$region\" in cn-*) domain=amazonaws.com.cn ;; *) domain=amazonaws.com ;; esac\n\
         registry=\"$account.dkr.ecr.$region.$domain\"\n\
         aws ecr get-login-password --region \"$region\" | docker login --username AWS --password-stdin \"$registry\"\n"
    );
    for (image, file) in IMAGES {
        let _infallible = write!(
            script,
            "{}\
             docker build --platform {platform} --file {file} --tag \"$registry/{image}:{IMAGE_TAG}\" .\n\
             docker push \"$registry/{image}:{IMAGE_TAG}\"\n",
            repository(image)
        );
    }
    let _infallible = write!(
        script,
        "{}\
         docker pull --platform {platform} {ENVOY}\n\
         docker tag {ENVOY} \"$registry/{envoy}:{envoy_tag}\"\n\
         docker push \"$registry/{envoy}:{envoy_tag}\"\n",
        repository(envoy)
    );
    script.trim_end().to_owned()
}

/// Commands that create a repository unless it exists.
fn repository(name: &str) -> String {
    format!(
        "\n\
         aws ecr describe-repositories --region \"$region\" --repository-names {name} >/dev/null 2>&1 ||\n\
         \x20   aws ecr create-repository --region \"$region\" --repository-name {name} --image-scanning-configuration scanOnPush=true\n"
    )
}

/// The profile is in single quotes in the script.
fn profile(text: &str) -> Result<String, String> {
    let is_quotable = !text.is_empty() && !text.contains(['\'', '\n', '\0']);
    is_quotable
        .then(|| text.to_owned())
        .ok_or_else(|| "expected a profile name without quotes and line breaks".to_owned())
}
