//! TLS and task roles on the xDS port of a control plane.

use cfn::Value;
use envoy_bootstrap::{TrustedCa, XdsSecurity, XdsTls};
use sidecar_contract::Diagnostics;

use super::concat::concat;
use super::{Container, Secret};
use crate::labels;

/// The variables of the control plane with its certificate.
const CERTIFICATE: &str = "MESHWRIGHT_TLS_CERTIFICATE_PEM";
const KEY: &str = "MESHWRIGHT_TLS_KEY_PEM";
/// The directory of the token file: a volume that the control plane's image declares for the user of Envoys.
const DIRECTORY: &str = "/run/xds";
const TOKEN_FILE: &str = "/run/xds/token.json";
const VOLUME: &str = "xds-token";

/// The container that keeps the token file of an Envoy.
pub(super) const TOKEN_CONTAINER: &str = "xds-token";

/// TLS and authentication on the xDS port, in place of a network that every task of the mesh may use
/// ([`ControlPlane::with_xds_access`]).
///
/// An Envoy proves the role of its task: beside it, the container `xds-token` of the control plane's image keeps a file with a
/// token, which Envoy reads. Each role may act as the nodes that are given here and as no others, so a task cannot read the
/// configuration of another service. The tasks need these roles
/// ([`TaskDefinition::with_task_role_arn`](crate::TaskDefinition::with_task_role_arn)), which exist before the control plane:
/// resources of its stack or an earlier one, or given by ARN. A role needs no permission for this.
///
/// A network without a way to the internet needs VPC endpoints for STS and Secrets Manager.
///
/// [`ControlPlane::with_xds_access`]: crate::ControlPlane::with_xds_access
#[derive(Debug, Clone)]
pub struct XdsAccess {
    certificate: Secret,
    key: Secret,
    ca: String,
    roles: Vec<(Value<String>, String)>,
}

/// The access to a control plane that was added to a stack.
#[derive(Debug, Clone)]
pub(super) struct XdsAccessHandle {
    access: XdsAccess,
    /// The DNS name of the control plane, which is also the name that tokens are signed for.
    host: String,
    image: Value<String>,
}

impl XdsAccess {
    /// TLS with the certificate chain and the private key of two secrets, in PEM. The certificate must have the DNS name of the
    /// control plane ([`ControlPlaneHandle::host`](crate::ControlPlaneHandle::host)), such as `mesh-control.appmesh`. `ca` is
    /// the text of the CA certificates that Envoys trust, in PEM.
    ///
    /// ECS reads the secrets when a task starts: to renew the certificate, change them and deploy the control plane again.
    #[must_use]
    pub fn new(certificate: Secret, key: Secret, ca: impl Into<String>) -> Self {
        Self {
            certificate,
            key,
            ca: ca.into(),
            roles: Vec::new(),
        }
    }

    /// Allows tasks with a role, given by its ARN, to act as a node: `mesh/MESH/virtualNode/NAME`,
    /// `mesh/MESH/virtualGateway/NAME` or `mesh/MESH/*`. Repeatable.
    #[must_use]
    pub fn with_role(mut self, arn: impl Into<Value<String>>, node: impl Into<String>) -> Self {
        self.roles.push((arn.into(), node.into()));
        self
    }

    pub(super) fn check(&self, path: &str, diagnostics: &mut Diagnostics) {
        if !self.ca.contains("BEGIN CERTIFICATE") {
            let message = "has no CA certificates: XdsAccess::new expects their text in PEM, which starts with \
                           -----BEGIN CERTIFICATE-----";
            diagnostics.add(path, message);
        }
        for (_, node) in &self.roles {
            let mut parts = node.split('/');
            let is_node = match (parts.next(), parts.next(), parts.next(), parts.next(), parts.next()) {
                (Some("mesh"), Some(_), Some("*"), None, None) => true,
                (Some("mesh"), Some(_), Some("virtualNode" | "virtualGateway"), Some(name), None) => !name.is_empty(),
                _ => false,
            };
            if !is_node {
                let message = format!(
                    "allows a role to act as `{node}`; expected mesh/MESH/virtualNode/NAME, mesh/MESH/virtualGateway/NAME or \
                     mesh/MESH/*"
                );
                diagnostics.add(path, message);
            }
        }
    }

    /// The options of the control plane with this DNS name.
    pub(super) fn add_to_control_plane(
        &self,
        host: &str,
        container: Container,
        command: &mut Vec<Value<String>>,
    ) -> Container {
        command.extend([
            "--tls-certificate".into(),
            Value::Known(format!("env:{CERTIFICATE}")),
            "--tls-key".into(),
            Value::Known(format!("env:{KEY}")),
            "--xds-roles".into(),
            Value::from(host),
        ]);
        for (arn, node) in &self.roles {
            let allowed = concat(&[arn.clone(), Value::Known(format!("={node}"))]);
            command.extend(["--xds-allow".into(), allowed]);
        }
        container
            .with_secret(CERTIFICATE, self.certificate.clone())
            .with_secret(KEY, self.key.clone())
    }

    pub(super) fn into_handle(self, host: String, image: Value<String>) -> XdsAccessHandle {
        XdsAccessHandle {
            access: self,
            host,
            image,
        }
    }
}

impl XdsAccessHandle {
    /// How an Envoy connects.
    pub(super) fn security(&self) -> XdsSecurity {
        XdsSecurity {
            tls: Some(XdsTls {
                trusted_ca: TrustedCa::Pem(self.access.ca.clone()),
                server_name: self.host.clone(),
                client: None,
            }),
            token: Some(TOKEN_FILE.into()),
        }
    }

    /// Reports a node as which no task may act, and a task without the role for it.
    pub(super) fn check(&self, node: &str, has_role: bool, path: &str, diagnostics: &mut Diagnostics) {
        let allows = |granted: &str| match granted.strip_suffix('*') {
            Some(mesh) => node.starts_with(mesh),
            None => granted == node,
        };
        if !self.access.roles.iter().any(|(_, granted)| allows(granted)) {
            let message = format!("has the Envoy of `{node}`, as which no role may act; add XdsAccess::with_role");
            diagnostics.add(path, message);
        } else if !has_role {
            let message = format!(
                "has the Envoy of `{node}`, and no role to prove; set the role of XdsAccess::with_role by \
                 TaskDefinition::with_task_role_arn"
            );
            diagnostics.add(path, message);
        }
    }

    /// The container that keeps the token. It has the Envoy's user, who alone may read the file.
    pub(super) fn token_container(&self, user: &str) -> Container {
        Container::new(TOKEN_CONTAINER, self.image.clone())
            .with_environment("AWS_REGION", Value::reference("AWS::Region"))
            .with_label(labels::ROLE, labels::ROLE_ENVOY_AGENT)
            .with_user(user)
            .with_command(["role-token", "--name", self.host.as_str(), "--output", TOKEN_FILE])
            .with_shared_directory(VOLUME, DIRECTORY, false)
    }

    /// The Envoy, which reads the token.
    pub(super) fn with_token(&self, envoy: Container) -> Container {
        envoy
            .with_shared_directory(VOLUME, DIRECTORY, true)
            .with_dependency(TOKEN_CONTAINER, super::ContainerCondition::Start)
    }
}
