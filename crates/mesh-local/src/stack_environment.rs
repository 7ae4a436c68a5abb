//! The environment of stacks: what CloudFormation knows and a template does not.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::rc::Rc;

use cfn::closest;
use mesh_control::HeaderLimits;
use mesh_infra::Template;

use crate::network::Network;
use crate::values::Values;

/// Region, account, values that only AWS knows, the templates of nested stacks, and what this machine adds.
#[derive(Clone, Default)]
pub struct StackEnvironment {
    /// The region, `AWS::Region`. Default: `local`, which is no region of AWS.
    pub region: Option<Region>,
    /// The account, `AWS::AccountId`, 12 digits. Default: 000000000000.
    pub account: Option<String>,
    /// Values that the templates leave open.
    pub values: Values,
    /// Certificates in place of those that the templates name by ARN or by path.
    pub certificates: GivenCertificates,
    /// Finds the templates of nested stacks. Without it, nested stacks are not simulated.
    pub nested_templates: Option<Rc<FindTemplate>>,
    /// The network of the tasks, which decides what a template can do on this machine.
    pub network: Network,
    /// The names and addresses of this machine's hosts file, which Envoy does not read. Tasks in network namespaces have
    /// hosts files of their own.
    pub hosts: BTreeMap<String, Vec<IpAddr>>,
    /// The limits of headers that the Envoys accept.
    pub header_limits: HeaderLimits,
}

/// Certificates by the ARN or the path of those that they stand in for. `Debug` shows the names alone.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct GivenCertificates {
    /// Certificate chains and their keys, in PEM.
    pub identities: BTreeMap<String, (String, String)>,
    /// Certificates of authorities, in PEM.
    pub authorities: BTreeMap<String, String>,
}

impl fmt::Debug for GivenCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.identities.keys().chain(self.authorities.keys()))
            .finish()
    }
}

/// Finds the template of a nested stack, or says why it cannot.
pub type FindTemplate = dyn Fn(&NestedStackRequest<'_>) -> Result<NestedTemplate, String>;

/// A nested stack whose template is to be found.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct NestedStackRequest<'r> {
    /// The name of the stack that contains it.
    pub parent: &'r str,
    /// Its own name: that of its parent, a hyphen and its logical id.
    pub name: &'r str,
    /// Its `TemplateURL`. `None` if its value is not known.
    pub url: Option<&'r str>,
    /// The path of its template beside that of its parent, which the CDK writes: `aws:asset:path` of its metadata.
    pub asset_path: Option<&'r str>,
}

/// The template of a nested stack.
#[derive(Debug, Clone)]
pub struct NestedTemplate {
    /// The template.
    pub template: Template,
    /// What tells it from other templates, such as its path, to find stacks that are nested in themselves.
    pub id: String,
}

/// A region of AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region(String);

/// The regions of AWS. Source: "AWS Regions" in the AWS Global Infrastructure reference, and the partitions of the AWS SDKs
/// (read 2026-11-30).
const REGIONS: [&str; 43] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eusc-de-east-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-isob-west-1",
    "us-west-1",
    "us-west-2",
];

impl Region {
    /// A region by its name.
    ///
    /// # Errors
    ///
    /// If AWS has no such region, with the most similar name.
    pub fn new(name: &str) -> Result<Self, String> {
        if REGIONS.contains(&name) {
            return Ok(Self(name.to_owned()));
        }
        let hint = match closest(name, REGIONS) {
            Some(meant) => format!("did you mean {meant}?"),
            None => "a region is for instance eu-west-1".to_owned(),
        };
        Err(format!("`{name}` is not a region of AWS; {hint}"))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }

    /// Its partition, `AWS::Partition`.
    #[must_use]
    pub fn partition(&self) -> &'static str {
        mesh_model::region::partition(&self.0)
    }

    /// The suffix of its host names, `AWS::URLSuffix`.
    #[must_use]
    pub fn url_suffix(&self) -> &'static str {
        mesh_model::region::url_suffix(&self.0)
    }
}

impl fmt::Debug for StackEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be secrets.
        f.debug_struct("StackEnvironment")
            .field("region", &self.region)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_have_a_partition() {
        for (name, partition, suffix) in [
            ("eu-west-1", "aws", "amazonaws.com"),
            ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
            ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
        ] {
            let region = Region::new(name).expect("a region");
            assert_eq!((region.partition(), region.url_suffix()), (partition, suffix));
        }
        let error = Region::new("eu-wets-1").expect_err("no region");
        assert_eq!(error, "`eu-wets-1` is not a region of AWS; did you mean eu-west-1?");
    }
}
