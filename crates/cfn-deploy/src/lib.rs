#![cfg_attr(feature = "aws", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "aws"),
    doc = "Deploys CloudFormation templates. Empty without the feature `aws`."
)]
#![cfg(feature = "aws")]
//!
//! # Required permissions
//!
//! | for | actions |
//! |---|---|
//! | every call | `cloudformation:DescribeStacks`, `GetTemplate` |
//! | [`Environment::compare`], [`Environment::create_change_set`], [`ChangeSet::discard`] | `CreateChangeSet`, `DescribeChangeSet`, `DescribeEvents`, `DeleteChangeSet`; for a new stack, `ListChangeSets`, `DeleteStack` |
//! | templates over 51,200 bytes | `s3:` `GetObject`, `PutObject`; for the default bucket, `GetBucketTagging`, and to create it `CreateBucket`, `PutBucketPublicAccessBlock`, `PutBucketPolicy`, `PutEncryptionConfiguration`, `PutLifecycleConfiguration`, `PutBucketTagging`; `ListBucket` to find what remains; `sts:GetCallerIdentity` |
//! | [`ChangeSet::execute`], [`Environment::wait`] | `ExecuteChangeSet`, `DescribeStackEvents`, `DescribeEvents`, and the permissions of the template's resources |
//! | the diagnosis of ECS services, [`Error::services`]; optional | `ecs:ListTasks`, `DescribeTasks`, `DescribeServices`, `DescribeTaskDefinition`; `logs:GetLogEvents` |
//! | [`Environment::check_images`], [`Environment::pin_images`]; optional | `ecr:BatchGetImage` |
//! | [`Environment::check_quotas`]; optional | `servicequotas:GetServiceQuota`, `GetAWSDefaultServiceQuota`; `cloudformation:ListResources`; `ec2:DescribeVpcs`, `DescribeInternetGateways`, `DescribeAddresses`; `elasticloadbalancing:DescribeLoadBalancers` |
//! | [`Environment::detect_drift`] | `DetectStackDrift`, `DetectStackResourceDrift`, `DescribeStackDriftDetectionStatus`, `DescribeStackResourceDrifts`, `ListStackResources`, and the read permissions of the stack's resources |
//! | the failed resources of a blocked stack; optional | `DescribeStackResources` |
//! | a retry of failed resources, [`ChangeSet::is_retry`] | `UpdateStack` |
//! | [`Environment::destroy`] | `DeleteStack`, `DescribeStackEvents`, `ListStackResources`, `DescribeStackResources`, `ListImports`, `ListStacks`; to delete a namespace, `DescribeStacks` and `GetTemplate` of all stacks; `servicediscovery:` `GetNamespace`, `ListNamespaces`, `GetService`, `ListServices`, `ListInstances`, `ListTagsForResource`, `DeregisterInstance`, `DeleteService`, `DeleteNamespace`, `GetOperation` |
//!
//! # Reading order
//!
//! `environment` (AWS clients), `timeouts`, `deployment_input` (validation before any call), `deployed_stack` and `status` (current
//! state), `change_set`, `template_bucket` and `resource_change`, `security` (permission and network changes), `event`,
//! `event_reader` and `wait` (an operation until its end), `root_cause`, `validation` and `diagnosis` (why it failed), `json_api`
//! (ECS, CloudWatch Logs, ECR, Service Quotas), `images`, `quotas`, `account_values`, `stack_state` and `ownership` (what
//! prevents a deployment), `destroy` and `cloud_map`, `compare` and `drift`, `stack_imports`, `error`.

mod account_values;
mod change_set;
mod cloud_map;
mod compare;
mod deployed_stack;
mod deployment_input;
mod destroy;
mod diagnosis;
mod drift;
mod environment;
mod error;
mod event;
mod event_reader;
mod images;
mod json_api;
mod ownership;
mod poll;
mod quotas;
mod resource_change;
mod root_cause;
mod security;
mod stack_imports;
mod stack_state;
mod status;
mod stored_values;
mod template_bucket;
mod timeouts;
mod validation;
mod wait;

pub use change_set::{ChangeSet, ChangeSetOutcome, ParameterChange};
pub use compare::Comparison;
pub use deployed_stack::{DeployedStack, Outputs, StackOutput};
pub use deployment_input::DeploymentInput;
pub use destroy::{Destroyed, Leftover};
pub use diagnosis::{ServiceDiagnosis, StoppedContainer, StoppedTasks};
pub use drift::{Drift, DriftedResource};
pub use environment::{CallerIdentity, Environment};
pub use error::{Error, ErrorKind};
pub use event::{Event, Observer, Progress};
pub use images::{ImageCheck, ImageProblem, PinChange, PinPolicy, PinnedImages};
pub use quotas::QuotaCheck;
pub use resource_change::{Action, Replacement, ResourceChange};
pub use root_cause::RootCause;
pub use security::{Area, SecurityChange, TemplateVersion, security_changes};
pub use status::{StackCondition, StackStatus};
pub use timeouts::with_timeouts;
pub use wait::WaitOutcome;
