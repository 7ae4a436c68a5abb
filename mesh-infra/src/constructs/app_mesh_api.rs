//! App Mesh's API in the tasks of a control plane, over a DynamoDB table.

use cfn::{Resource, Value, dynamodb};
use serde_json::{Value as Json, json};

use super::concat::concat;
use super::control_plane_handle::API_PORT;
use super::iam::{allow, own_arn};
use super::{Container, PortMapping};
use crate::stack::{LogicalId, Scope};

/// App Mesh's API, served by the tasks of a control plane ([`ControlPlane::with_app_mesh_api`]) over a DynamoDB table.
///
/// Each task serves the API, at port 18002 of the control plane's DNS name, and configures Envoys with its meshes. A change
/// through one task is at the others within a second. The port has no TLS: the tasks of the network reach it, and a load
/// balancer with TLS may be in front. Each request must be signed with a key pair of a secret.
///
/// The table is billed by request, has point-in-time recovery for 35 days, and **is kept when it is removed from the stack**:
/// its meshes exist nowhere else.
///
/// The role of the control plane then also allows reading and writing the items of this table, reading the secret, and
/// creating and deleting the parameter `/meshwright/<mesh>` of its meshes, which excludes a stack's mesh of the same name.
///
/// A network without a way to the internet ([`PrivateEgress::VpcEndpoints`](crate::PrivateEgress::VpcEndpoints)) needs two more
/// VPC endpoints: a gateway for DynamoDB, and an interface for Secrets Manager.
///
/// [`ControlPlane::with_app_mesh_api`]: crate::ControlPlane::with_app_mesh_api
#[derive(Debug, Clone)]
pub struct AppMeshApi {
    key_pairs: Value<String>,
    kms_key: Option<Value<String>>,
    meshes: Vec<String>,
}

impl AppMeshApi {
    /// The API with the key pairs of a secret in Secrets Manager, by its full ARN, which ends in a hyphen and six characters.
    /// Its text is a JSON document of key pairs, such as `{"keys": [{"accessKeyId": "…", "secretAccessKey": "…", "access":
    /// "read-write"}]}`. Changed ones are used within a minute.
    #[must_use]
    pub fn new(key_pairs: impl Into<Value<String>>) -> Self {
        Self {
            key_pairs: key_pairs.into(),
            kms_key: None,
            meshes: Vec::new(),
        }
    }

    /// Sets the ARN of the KMS key that the secret is encrypted with, which the role may then use. Default: a key of AWS,
    /// which needs no permission.
    #[must_use]
    pub fn with_kms_key_arn(mut self, arn: impl Into<Value<String>>) -> Self {
        self.kms_key = Some(arn.into());
        self
    }

    /// Restricts the names of its meshes, also in the role. Repeatable. Default: any name, for which the role may write all
    /// parameters below `/meshwright/`.
    #[must_use]
    pub fn with_mesh(mut self, name: impl Into<String>) -> Self {
        self.meshes.push(name.into());
        self
    }

    /// The options of the container, and its port.
    pub(super) fn add_to_container(
        &self,
        container: Container,
        table: &LogicalId,
        command: &mut Vec<Value<String>>,
    ) -> Container {
        command.extend([
            "--dynamodb".into(),
            Value::reference(table.as_str()),
            "--api".into(),
            Value::Known(format!("0.0.0.0:{API_PORT}")),
            "--keys".into(),
            concat(&[Value::from("secretsmanager:"), self.key_pairs.clone()]),
            "--account".into(),
            Value::reference("AWS::AccountId"),
        ]);
        container.with_port(PortMapping::new("app-mesh-api", API_PORT))
    }

    /// The statements of the role of its tasks.
    pub(super) fn statements(&self, table: &LogicalId) -> Vec<Json> {
        // Of a transaction, each part is authorised (DynamoDB developer guide, "IAM for DynamoDB transactions", read
        // 2026-11-30).
        let items = [
            "dynamodb:GetItem",
            "dynamodb:BatchGetItem",
            "dynamodb:Query",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
        ];
        let claims = ["ssm:GetParameter", "ssm:PutParameter", "ssm:DeleteParameter"];
        let parameter = |mesh: &str| own_arn("ssm", &format!("parameter/meshwright/{mesh}"));
        let parameters = match self.meshes.as_slice() {
            [] => vec![parameter("*")],
            meshes => meshes.iter().map(|mesh| parameter(mesh)).collect(),
        };
        let mut statements = vec![
            allow(
                &items,
                vec![Value::<String>::attribute(table.as_str(), "Arn").to_json()],
            ),
            allow(&["secretsmanager:GetSecretValue"], vec![self.key_pairs.to_json()]),
            allow(&claims, parameters),
        ];
        statements.extend(
            self.kms_key
                .iter()
                .map(|key| allow(&["kms:Decrypt"], vec![key.to_json()])),
        );
        statements
    }

    /// Adds the table, and returns its logical id.
    pub(super) fn add_table(scope: &mut Scope<'_>) -> LogicalId {
        let id = scope.part("Meshes");
        let attribute = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
        let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
        let properties = dynamodb::Table {
            attribute_definitions: Some(json!([attribute("pk"), attribute("sk")])),
            billing_mode: Some(Value::from("PAY_PER_REQUEST")),
            point_in_time_recovery_specification: Some(json!({"PointInTimeRecoveryEnabled": true})),
            time_to_live_specification: Some(json!({"AttributeName": "expires", "Enabled": true})),
            ..dynamodb::Table::new(json!([key("pk", "HASH"), key("sk", "RANGE")]))
        };
        let resource = Resource {
            update_replace_policy: Some(Json::from("Retain")),
            // Kept with the stack's deletion, and not when its creation fails.
            deletion_policy: Some(Json::from("RetainExceptOnCreate")),
            ..Resource::of(&properties)
        };
        scope.add_resource(&id, resource);
        id
    }
}
