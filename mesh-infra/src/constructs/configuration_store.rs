//! The bucket of configurations that Envoys have accepted, and the agents that serve them.

use cfn::{Resource, Value};
use serde_json::{Value as Json, json};

use super::iam::{VERSION, allow};
use super::{Container, Secret};
use crate::stack::{LogicalId, Scope};
use crate::{EcrImage, images, labels};

/// Where in the bucket the configurations are, decided by us.
const PREFIX: &str = "configurations";
/// Seven days, decided by us, as the default of the programs.
const DEFAULT_MAX_AGE_HOURS: u32 = 7 * 24;
/// The variable of the control plane with the signing key.
const SIGNING_KEY: &str = "MESHWRIGHT_SIGNING_KEY_PEM";
/// The variable of agents with the public key.
const PUBLIC_KEY: &str = "MESHWRIGHT_PUBLIC_KEY_PEM";

/// The name of an agent's container.
pub(super) const AGENT_CONTAINER: &str = "envoy-agent";
/// The port on which an agent serves its Envoy, and that of its status page: the defaults of the program.
pub(super) const AGENT_PORTS: [u16; 2] = [18_010, 18_011];

/// Configurations that the Envoys of a control plane have accepted, kept in a bucket of S3
/// ([`ControlPlane::with_configuration_store`]), so that tasks start while no control plane answers.
///
/// The control plane signs what it stores. Beside each Envoy of its meshes an agent runs, the container `envoy-agent`, which
/// verifies and serves it while the control plane does not answer; the Envoy's bootstrap names it as second server. The agent
/// is not essential and nothing waits for it, decided by us: the task of an Envoy that has a configuration does not stop with it.
///
/// The bucket is private, encrypted by S3, and accepts connections with TLS only. Manifests that were not renewed within the
/// maximum age are deleted: those of nodes that exist no more. **It is kept when it is removed from the stack**, as
/// CloudFormation deletes empty buckets only. The role of the control plane may read, write and delete its configurations;
/// the role of each task with an Envoy may read them, so each task can read the configurations of all nodes.
///
/// In a network without a way to the internet ([`PrivateEgress::VpcEndpoints`](crate::PrivateEgress::VpcEndpoints)), the
/// control plane needs an endpoint for Secrets Manager; that for S3 is there.
///
/// [`ControlPlane::with_configuration_store`]: crate::ControlPlane::with_configuration_store
#[derive(Debug, Clone)]
pub struct ConfigurationStore {
    signing_key: Secret,
    public_key: String,
    max_age_hours: u32,
    agent_image: Value<String>,
}

/// A store that was added to a stack, for the tasks of Envoys.
#[derive(Debug, Clone)]
pub(super) struct ConfigurationStoreHandle {
    bucket: LogicalId,
    store: ConfigurationStore,
}

impl ConfigurationStore {
    /// A store whose signing key is a secret: the text of the private key that `mesh-control keygen` writes. `public_key` is
    /// the text of the public key, in PEM; agents verify with it.
    #[must_use]
    pub fn new(signing_key: Secret, public_key: impl Into<String>) -> Self {
        Self {
            signing_key,
            public_key: public_key.into(),
            max_age_hours: DEFAULT_MAX_AGE_HOURS,
            agent_image: EcrImage::new(images::ENVOY_AGENT)
                .with_tag(env!("CARGO_PKG_VERSION"))
                .into(),
        }
    }

    /// Sets the time after which a configuration is not served any more, since an Envoy had last accepted it. Default, decided
    /// by us: 168 hours.
    #[must_use]
    pub fn with_max_age_hours(mut self, hours: u32) -> Self {
        self.max_age_hours = hours;
        self
    }

    /// Sets the image of agents, of the processor architecture of their tasks. Default, decided by us:
    /// `meshwright/envoy-agent` with this version as its tag, in the ECR registry of the account and region of the stack;
    /// `meshwright images` prints the commands that push it.
    #[must_use]
    pub fn with_agent_image(mut self, image: impl Into<Value<String>>) -> Self {
        self.agent_image = image.into();
        self
    }

    /// Adds the bucket.
    pub(super) fn add_to(self, scope: &mut Scope<'_>) -> ConfigurationStoreHandle {
        let bucket = scope.part("Configurations");
        let path = format!("Resources.{bucket}");
        if !self.public_key.contains("BEGIN PUBLIC KEY") {
            let message = "has no public key: expected the text of the file that `mesh-control keygen` writes, which starts \
                           with -----BEGIN PUBLIC KEY-----";
            scope.diagnostics().add(&path, message);
        }
        if self.max_age_hours == 0 {
            let message = "serves no configuration: ConfigurationStore::with_max_age_hours is 0";
            scope.diagnostics().add(&path, message);
        }
        let properties = json!({
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": true,
                "BlockPublicPolicy": true,
                "IgnorePublicAcls": true,
                "RestrictPublicBuckets": true,
            },
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}],
            },
            "LifecycleConfiguration": {"Rules": [
                {
                    "Id": "views-of-former-nodes",
                    "Status": "Enabled",
                    // A manifest in use is written again each hour. Resources have none: the control plane removes them.
                    "Prefix": format!("{PREFIX}/views/"),
                    "ExpirationInDays": self.max_age_hours.div_ceil(24) + 1,
                },
                {
                    "Id": "incomplete-uploads",
                    "Status": "Enabled",
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
                },
            ]},
        });
        let resource = Resource {
            update_replace_policy: Some(Json::from("Retain")),
            // Kept with the stack's deletion, and not when its creation fails.
            deletion_policy: Some(Json::from("RetainExceptOnCreate")),
            ..Resource::new("AWS::S3::Bucket", properties)
        };
        scope.add_resource(&bucket, resource);
        let handle = ConfigurationStoreHandle { bucket, store: self };
        let policy = scope.part("ConfigurationsPolicy");
        scope.add_resource(&policy, Resource::new("AWS::S3::BucketPolicy", handle.bucket_policy()));
        handle
    }
}

impl ConfigurationStoreHandle {
    /// The bucket, which may be in another stack.
    pub(super) fn bucket(&self) -> &LogicalId {
        &self.bucket
    }

    fn bucket_policy(&self) -> Json {
        json!({
            "Bucket": {"Ref": self.bucket.as_str()},
            "PolicyDocument": {
                "Version": VERSION,
                "Statement": [{
                    "Sid": "TlsOnly",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": [self.arn(""), self.arn("/*")],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }],
            },
        })
    }

    /// The ARN of the bucket, followed by this.
    fn arn(&self, end: &str) -> Json {
        let bucket = self.bucket.qualified();
        Value::<String>::Sub(format!("arn:${{AWS::Partition}}:s3:::${{{bucket}}}{end}")).to_json()
    }

    fn url(&self) -> Value<String> {
        Value::Sub(format!("s3://${{{}}}/{PREFIX}", self.bucket.qualified()))
    }

    fn max_age(&self) -> String {
        format!("{}h", self.store.max_age_hours)
    }

    fn statements(&self, actions: &[&str]) -> Vec<Json> {
        let mut list = allow(&["s3:ListBucket"], vec![self.arn("")]);
        list["Condition"] = json!({"StringLike": {"s3:prefix": format!("{PREFIX}/*")}});
        vec![allow(actions, vec![self.arn(&format!("/{PREFIX}/*"))]), list]
    }

    /// The statements of the role of the control plane.
    pub(super) fn writer_statements(&self) -> Vec<Json> {
        self.statements(&["s3:GetObject", "s3:PutObject", "s3:DeleteObject"])
    }

    /// The statements of the role of a task with an agent.
    pub(super) fn reader_statements(&self) -> Vec<Json> {
        self.statements(&["s3:GetObject"])
    }

    /// The options of the control plane.
    pub(super) fn add_to_control_plane(&self, container: Container, command: &mut Vec<Value<String>>) -> Container {
        command.extend([
            "--store".into(),
            self.url(),
            "--signing-key".into(),
            Value::Known(format!("env:{SIGNING_KEY}")),
            "--store-max-age".into(),
            Value::Known(self.max_age()),
        ]);
        container.with_secret(SIGNING_KEY, self.store.signing_key.clone())
    }

    /// The agent of an Envoy. It has the Envoy's user, so that a transparent proxy does not redirect its connections.
    pub(super) fn agent(&self, node_id: &str, control_plane: String, user: &str) -> Container {
        let [xds, status] = AGENT_PORTS.map(|port| Value::Known(format!("127.0.0.1:{port}")));
        Container::new(AGENT_CONTAINER, self.store.agent_image.clone())
            .with_essential(false)
            .with_environment("AWS_REGION", Value::reference("AWS::Region"))
            .with_environment(PUBLIC_KEY, self.store.public_key.as_str())
            .with_label(labels::ROLE, labels::ROLE_ENVOY_AGENT)
            .with_user(user)
            .with_command([
                "--store".into(),
                self.url(),
                "--public-key".into(),
                Value::Known(format!("env:{PUBLIC_KEY}")),
                "--node-id".into(),
                Value::from(node_id),
                "--control-plane".into(),
                Value::Known(control_plane),
                "--max-age".into(),
                Value::Known(self.max_age()),
                "--xds".into(),
                xds,
                "--status".into(),
                status,
            ])
    }
}
