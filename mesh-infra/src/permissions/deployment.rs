//! The account, region and stacks of a deployment.

use cfn::Template;
use indexmap::IndexMap;
use serde_json::{Value as Json, json};

use super::resource_names::StackResource;

/// Stacks in an account and a region, for [`Deployment::deployer_policy`] and [`Deployment::service_role_policy`].
#[derive(Debug, Clone, Copy)]
pub struct Deployment<'t> {
    stacks: &'t IndexMap<String, Template>,
    account: &'t str,
    region: &'t str,
}

impl<'t> Deployment<'t> {
    /// These stacks, by name, in every account and region.
    #[must_use]
    pub fn new(stacks: &'t IndexMap<String, Template>) -> Self {
        Self {
            stacks,
            account: "*",
            region: "*",
        }
    }

    /// Sets the account, by its twelve digits. Default, decided by us: every account, since a role belongs to one.
    #[must_use]
    pub fn with_account(self, account: &'t str) -> Self {
        Self { account, ..self }
    }

    /// Sets the region. Default, decided by us: every region.
    #[must_use]
    pub fn with_region(self, region: &'t str) -> Self {
        Self { region, ..self }
    }

    pub(super) fn stacks(&self) -> impl Iterator<Item = (&'t str, &'t Template)> {
        self.stacks.iter().map(|(name, template)| (name.as_str(), template))
    }

    /// The resources of all stacks.
    pub(super) fn all_resources(&self) -> impl Iterator<Item = StackResource<'t>> {
        self.stacks().flat_map(|(stack, template)| {
            template
                .resources
                .iter()
                .map(move |(logical_id, resource)| StackResource {
                    stack,
                    logical_id,
                    resource,
                })
        })
    }

    /// The resources of a type, such as `AWS::IAM::Role`.
    pub(super) fn resources(&self, kind: &str) -> impl Iterator<Item = StackResource<'t>> {
        self.all_resources()
            .filter(move |resource| resource.resource.kind == kind)
    }

    pub(super) fn region(&self) -> &'t str {
        self.region
    }

    pub(super) fn account(&self) -> &'t str {
        self.account
    }

    /// An ARN in the account and region.
    pub(super) fn arn(&self, service: &str, resource: &str) -> String {
        format!(
            "arn:{}:{service}:{}:{}:{resource}",
            self.partition(),
            self.region,
            self.account
        )
    }

    /// An ARN in the account, of a service without regions.
    pub(super) fn global_arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}::{}:{resource}", self.partition(), self.account)
    }

    /// Restricts actions without an ARN to the region; null if every region is meant.
    pub(super) fn regional_condition(&self) -> Json {
        match self.region {
            "*" => Json::Null,
            region => json!({"StringEquals": {"aws:RequestedRegion": region}}),
        }
    }

    /// The partition of the region.
    pub(super) fn partition(&self) -> &'static str {
        match self.region {
            "*" => "*",
            region => mesh_model::region::partition(region),
        }
    }
}
