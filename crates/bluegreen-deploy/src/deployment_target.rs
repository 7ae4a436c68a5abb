//! Deployment targets: the operations of a rollout, the same on this machine and in an AWS account.

use bluegreen_state::{Request, Store};
use cfn::Template;
use mesh_local::NodeStatistics;
use mesh_model::app_mesh::ResourcePath;

use crate::Version;
use crate::application::RouteParameter;
use crate::control_api::{Applied, CommandError};

/// An environment that runs an application, with the store of its state.
///
/// Operations are idempotent. Their request numbers increase; an operation with a lower number than an earlier one is
/// out of date and is rejected.
#[allow(
    async_fn_in_trait,
    reason = "a controller awaits these futures in the caller's task, so they need not be `Send`"
)]
pub trait DeploymentTarget {
    /// The store of the state.
    type Store: Store;

    /// The store of the state.
    fn store(&self) -> Self::Store;

    /// Makes the running application match a template, and waits until all tasks are ready. This also serves as the
    /// readiness check of a side that keeps its version.
    async fn apply_template(&self, request: Request<'_, Version>, template: &Template)
    -> Result<Applied, CommandError>;

    /// Sets the weights by writing the parameters of the routes, in this order, and waits until Envoys have acknowledged or
    /// rejected them. Some may have their value already.
    async fn set_weights(
        &self,
        request: Request<'_, Version>,
        routes: Vec<RouteParameter>,
    ) -> Result<Applied, CommandError>;

    /// Options that each command needs for this target, after its verb, in messages that name commands: ` --aws`. Default:
    /// none.
    fn command_options(&self) -> &'static str {
        ""
    }

    /// The statistics of requests to a virtual node, as counted by the Envoys that send them. An error is inconclusive.
    async fn statistics(&self, node: &ResourcePath) -> Result<NodeStatistics, CommandError>;
}
