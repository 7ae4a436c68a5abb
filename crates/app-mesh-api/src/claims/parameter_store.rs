//! Claims in Parameter Store.

use async_trait::async_trait;
use aws_sdk_ssm::Client;
use aws_sdk_ssm::error::{DisplayErrorContext, SdkError};
use aws_sdk_ssm::operation::get_parameter::GetParameterError;
use aws_sdk_ssm::operation::put_parameter::PutParameterError;
use aws_sdk_ssm::types::ParameterType;
use mesh_model::app_mesh::{MeshClaim, ResourcePath};

use super::{ClaimError, MeshClaims};

/// Claims in the parameters of meshes, `/meshwright/MESH`.
///
/// The role needs `ssm:PutParameter`, `ssm:GetParameter` and `ssm:DeleteParameter` on them.
#[derive(Debug)]
pub struct ParameterClaims {
    client: Client,
    claim: MeshClaim,
}

impl ParameterClaims {
    /// As [`new`](Self::new), with region, credentials, endpoints and HTTP client of `config`, and time limits: 3 s for an
    /// attempt, 10 s for a call.
    #[must_use]
    pub fn from_config(config: &aws_types::SdkConfig, place: impl Into<String>) -> Self {
        let config = aws_sdk_ssm::config::Builder::from(config).timeout_config(crate::aws::timeouts());
        Self::new(Client::from_conf(config.build()), place)
    }

    /// Claims for the service whose meshes are in `place`, such as `the DynamoDB table meshwright`: the same text for
    /// all replicas.
    #[must_use]
    pub fn new(client: Client, place: impl Into<String>) -> Self {
        Self {
            client,
            claim: MeshClaim {
                claimed_by: place.into(),
            },
        }
    }

    /// The text of a parameter. `None` if there is none.
    async fn text(&self, name: &str) -> Result<Option<String>, ClaimError> {
        match self.client.get_parameter().name(name).send().await {
            Ok(response) => Ok(Some(
                response.parameter.and_then(|found| found.value).unwrap_or_default(),
            )),
            Err(SdkError::ServiceError(error)) if matches!(error.err(), GetParameterError::ParameterNotFound(_)) => {
                Ok(None)
            }
            Err(error) => Err(failed("read", name, &error)),
        }
    }
}

/// False for names that no parameter can have, and so no stack's mesh.
fn can_be_parameter(mesh: &str) -> bool {
    // The characters of a parameter name (Systems Manager API reference, `PutParameter`, read 2026-11-23).
    mesh.chars()
        .all(|letter| letter.is_ascii_alphanumeric() || "_.-".contains(letter))
}

fn failed<E: std::error::Error>(action: &str, name: &str, error: &E) -> ClaimError {
    ClaimError::Failed(format!(
        "cannot {action} the parameter {name}: {}",
        DisplayErrorContext(error)
    ))
}

#[async_trait]
impl MeshClaims for ParameterClaims {
    async fn claim(&self, mesh: &str) -> Result<(), ClaimError> {
        if !can_be_parameter(mesh) {
            return Ok(());
        }
        let name = ResourcePath::of_mesh(mesh).to_parameter();
        let put = self.client.put_parameter().name(&name).r#type(ParameterType::String);
        match put.value(self.claim.to_text()).overwrite(false).send().await {
            Ok(_) => return Ok(()),
            Err(SdkError::ServiceError(error))
                if matches!(error.err(), PutParameterError::ParameterAlreadyExists(_)) => {}
            Err(error) => return Err(failed("create", &name, &error)),
        }
        let text = self.text(&name).await?;
        match text.map(|text| MeshClaim::read(&text)) {
            Some(Some(claim)) if claim == self.claim => Ok(()),
            Some(Some(MeshClaim { claimed_by })) => Err(ClaimError::Taken(format!(
                "Mesh {mesh} is in {claimed_by}: the parameter {name} says so. Use the API there, or delete the parameter"
            ))),
            Some(None) => Err(ClaimError::Taken(format!(
                "Mesh {mesh} is configured by the parameters {name} and below, which a stack owns: change them there, or \
                 delete them first"
            ))),
            None => Err(ClaimError::Failed(format!(
                "the parameter {name} was deleted meanwhile; try again"
            ))),
        }
    }

    async fn release(&self, mesh: &str) -> Result<(), ClaimError> {
        let name = ResourcePath::of_mesh(mesh).to_parameter();
        if !can_be_parameter(mesh) {
            return Ok(());
        }
        let is_own = self.text(&name).await?.and_then(|text| MeshClaim::read(&text)).as_ref() == Some(&self.claim);
        if is_own {
            let deleted = self.client.delete_parameter().name(&name).send().await;
            deleted.map_err(|error| failed("delete", &name, &error))?;
        }
        Ok(())
    }
}
