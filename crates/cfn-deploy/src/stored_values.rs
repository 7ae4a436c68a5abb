//! Values that Systems Manager and Secrets Manager keep, which templates name by dynamic references.

use cfn::evaluate::{DynamicReference, DynamicService};
use serde_json::{Value as Json, json};

use super::environment::Environment;
use super::error::{Error, ErrorKind};
use super::json_api::{SECRETS_MANAGER, SSM};

impl Environment {
    /// The value of a parameter, or of a secret as a whole: without the key of the reference.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Rejected`] if it does not exist, and others of the call. No error contains the value.
    pub async fn stored_value(&self, reference: &DynamicReference) -> Result<String, Error> {
        let described = format!("`{}:{}`", reference.service.name(), reference.name);
        let response = match reference.service {
            DynamicService::SecretsManager => {
                let mut body = json!({"SecretId": reference.name});
                if let Some(version) = &reference.version {
                    // Ids of versions are UUIDs, stages are words such as AWSCURRENT.
                    let field = if version.len() >= 32 {
                        "VersionId"
                    } else {
                        "VersionStage"
                    };
                    body[field] = json!(version);
                }
                let response = self
                    .json_call(SECRETS_MANAGER, "GetSecretValue", &described, &body)
                    .await?;
                response.get("SecretString").cloned()
            }
            DynamicService::Ssm | DynamicService::SsmSecure => {
                let version = reference.version.as_ref();
                let name = version.map_or_else(
                    || reference.name.clone(),
                    |version| format!("{}:{version}", reference.name),
                );
                let body = json!({"Name": name, "WithDecryption": reference.service.is_secret()});
                let response = self.json_call(SSM, "GetParameter", &described, &body).await?;
                response.pointer("/Parameter/Value").cloned()
            }
        };
        match response {
            Some(Json::String(text)) => Ok(text),
            _ => {
                let message = format!("{described} is not a text; only texts can be values of templates");
                Err(Error::new(ErrorKind::Unexpected, message))
            }
        }
    }
}
