//! IAM policies of a deployment: for the deployer, and for CloudFormation's service role.
//!
//! - `policy`: statements, merged into a document;
//! - `deployment`: account, region and stacks, and ARNs within them;
//! - `resource_types`: actions that CloudFormation needs for a resource type;
//! - `resource_names`: ARNs of a template's resources, from their names;
//! - `deployer`: actions of the deploy tool itself.

mod deployer;
mod deployment;
mod policy;
mod resource_names;
mod resource_types;

pub use deployer::DeployerRole;
pub use deployment::Deployment;
pub use resource_types::PolicyError;

use serde_json::Value as Json;

use self::policy::Policy;

impl Deployment<'_> {
    /// The policy of CloudFormation's service role: what creating, updating and deleting the resources of the stacks
    /// requires.
    ///
    /// Actions on resources whose ARN is known before they exist (log groups, parameters, clusters, roles) are allowed on
    /// these only. EC2, load balancers and Cloud Map generate theirs, so their actions are allowed in the region. A role
    /// can be passed to ECS tasks only, and, if each role of the stacks has the same permissions boundary, created with
    /// that boundary only.
    ///
    /// # Errors
    ///
    /// If a stack has resources of a type whose actions are not known here, or a role whose name is not known.
    pub fn service_role_policy(&self) -> Result<Json, PolicyError> {
        let mut policy = Policy::default();
        resource_types::allow_resources(self, &mut policy)?;
        Ok(policy.to_json())
    }

    /// The policy of the deployer. With a service role, it changes no resource of the stacks itself, except that `destroy`
    /// removes registrations and namespaces from Cloud Map that Service Connect leaves behind; it reads what checks and the
    /// diagnosis of a failed deployment need. Without a service role, CloudFormation uses the deployer's permissions, so that
    /// the policy contains [`Self::service_role_policy`] as well.
    ///
    /// A managed policy has at most 6,144 characters, the inline policies of a role 10,240 (IAM user guide, "IAM and AWS STS
    /// quotas", read 2026-11-30).
    ///
    /// # Errors
    ///
    /// As [`Self::service_role_policy`].
    pub fn deployer_policy(&self, role: &DeployerRole) -> Result<Json, PolicyError> {
        let mut policy = Policy::default();
        deployer::allow_deployer(self, role, &mut policy);
        if *role == DeployerRole::WithoutServiceRole {
            resource_types::allow_resources(self, &mut policy)?;
        }
        Ok(policy.to_json())
    }
}

#[cfg(test)]
mod tests;
