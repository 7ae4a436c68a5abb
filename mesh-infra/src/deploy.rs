//! Deploying to an AWS account: what a template would change, making it so, and taking it away.
//!
//! A library for whoever has a terminal, a pipeline or something else to show it on: it prints nothing and asks
//! nothing. [`Account::prepare`] finds out what would change, somebody looks at that, [`Prepared::carry_out`] does it
//! and tells an [`Observer`] what happens.
//!
//! ```no_run
//! use mesh_infra::Template;
//! use mesh_infra::deploy::{Account, Error, Preparation, Request};
//!
//! # async fn example(config: &aws_types::SdkConfig, template: Template) -> Result<(), Error> {
//! // Such a configuration as the crate `aws-config` makes of the environment.
//! let account = Account::new(config)?;
//! let request = Request::new("shop", template).with_parameter("AllowedCidr", "203.0.113.7/32");
//! match account.prepare(&request).await? {
//!     Preparation::Nothing(outputs) => println!("nothing to do: {outputs:?}"),
//!     Preparation::Changes(prepared) => {
//!         for change in prepared.changes() {
//!             println!("{change}");
//!         }
//!         for change in prepared.security() {
//!             println!("to be confirmed: {change}");
//!         }
//!         println!("{:?}", prepared.carry_out(&mut ()).await?);
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! CloudFormation tells nothing by itself, so it is asked: for a change set after 1 second and then up to every 5, for
//! events after 2 seconds and then up to every 5, and up to every 30 while AWS throttles or cannot be reached. All waits
//! are done with the configuration's sleep.
//!
//! # What the caller has to be allowed
//!
//! | for | actions |
//! |---|---|
//! | everything | `cloudformation:DescribeStacks`, `GetTemplate` |
//! | [`Account::compare`], [`Account::prepare`], [`Prepared::discard`] | `CreateChangeSet`, `DescribeChangeSet`, `DescribeEvents`, `DeleteChangeSet`; for a stack that is new, `ListChangeSets`, `DeleteStack` |
//! | [`Prepared::carry_out`], [`Account::follow`] | `ExecuteChangeSet`, `DescribeStackEvents`, `DescribeEvents`; and what the template's resources need |
//! | [`Account::destroy`] | `DeleteStack`, `DescribeStackEvents`, `ListStackResources`, `DescribeStackResources`, `ListImports`, `ListStacks`; where a namespace may be removed, `DescribeStacks` and `GetTemplate` of all stacks; `servicediscovery:` `GetNamespace`, `ListNamespaces`, `GetService`, `ListServices`, `ListInstances`, `ListTagsForResource`, `DeregisterInstance`, `DeleteService`, `DeleteNamespace`, `GetOperation` |
//!
//! # Reading order
//!
//! `account` (clients), `request` (what is judged before any call), `deployed` and `status` (what is there), `prepare`,
//! `change` and `prepared` (change sets), `security` (what changes for whom), `event`, `reader` and `follow` (an
//! operation to its end), `cause` and `validation` (why it failed), `destroy` and `cloud_map`, `compare`, `error`.

mod account;
mod cause;
mod change;
mod cloud_map;
mod compare;
mod deployed;
mod destroy;
mod error;
mod event;
mod follow;
mod patience;
mod prepare;
mod prepared;
mod reader;
mod request;
mod security;
mod status;
mod validation;

pub use account::{Account, Caller};
pub use cause::Failure;
pub use change::{Action, Replacement, ResourceChange};
pub use compare::Comparison;
pub use deployed::{DeployedStack, Outputs, StackOutput};
pub use destroy::{Destroyed, Left};
pub use error::{Error, ErrorKind};
pub use event::{Event, Observer, Progress};
pub use follow::Followed;
pub use prepare::{ParameterChange, Preparation};
pub use prepared::Prepared;
pub use request::Request;
pub use security::{Area, SecurityChange, Side, security_changes};
pub use status::{StackStatus, Standing};
