//! Causes of failed calls, in one sentence.

use std::error::Error as StdError;

use aws_sdk_ssm::error::{ProvideErrorMetadata, SdkError};

/// Why a call to Parameter Store failed: AWS's code and message, or what happened to the connection. The SDK spreads that
/// over several sources.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct CallError(String);

impl CallError {
    pub(super) fn new<E: ProvideErrorMetadata + StdError + 'static, R: std::fmt::Debug + 'static>(
        error: &SdkError<E, R>,
    ) -> Self {
        let text = match error {
            SdkError::TimeoutError(_) => "no response in time".to_owned(),
            SdkError::ServiceError(service) => match (service.err().code(), service.err().message()) {
                (Some(code), Some(message)) => format!("{code}: {message}{}", remedy(code, message)),
                (Some(code), None) => code.to_owned(),
                (None, _) => innermost(service.err()),
            },
            other => innermost(other),
        };
        Self(text)
    }
}

/// What to do about a denied call or expired credentials, as a clause.
fn remedy(code: &str, message: &str) -> String {
    match code {
        "AccessDenied" | "AccessDeniedException" => {
            let named = message.split_once("not authorized to perform: ");
            let action = named.and_then(|(_, rest)| rest.split_whitespace().next());
            action.map_or_else(String::new, |action| {
                format!("; a policy of the caller must allow `{action}`")
            })
        }
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => {
            "; renew the credentials, for example with `aws sso login`, and run the same command again".to_owned()
        }
        _ => String::new(),
    }
}

/// The text of the last source.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denied_and_expired_calls_have_a_remedy() {
        let denied = "User: x is not authorized to perform: ssm:PutParameter on resource: y";
        assert_eq!(
            remedy("AccessDeniedException", denied),
            "; a policy of the caller must allow `ssm:PutParameter`"
        );
        assert!(remedy("ExpiredTokenException", "expired").contains("`aws sso login`"));
        assert_eq!(remedy("ParameterNotFound", "x"), "");
    }
}
