//! Errors of DynamoDB, to those of a store.

use std::error::Error;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;

use crate::store::{CommitError, StoreError};

/// Codes of a cancelled transaction that another commit has led to.
const CONFLICTS: [&str; 2] = ["ConditionalCheckFailed", "TransactionConflict"];

/// An error of a request on a table: what failed, why, and what to do.
pub(super) fn failed<E, R>(table: &str, action: &str, error: SdkError<E, R>) -> StoreError
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let remedy = match error.code() {
        Some("ResourceNotFoundException") => {
            "; it does not exist in this account and region: create it with the string keys pk (partition) and sk (sort)"
        }
        Some("AccessDeniedException") => "; the role lacks a permission on it",
        Some("ValidationException") => "; does it have the string keys pk (partition) and sk (sort)?",
        Some("ThrottlingException" | "ProvisionedThroughputExceededException" | "RequestLimitExceeded") => {
            "; it is throttled: switch it to on-demand billing, or give it more capacity"
        }
        _ => "",
    };
    let reason = match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        (None, _) => deepest(&error),
    };
    StoreError::new(format!("cannot {action} the DynamoDB table {table}: {reason}{remedy}")).with_source(error)
}

/// Whether a transaction was rejected because of another commit.
pub(super) fn classify<R>(table: &str, error: SdkError<TransactWriteItemsError, R>) -> CommitError
where
    R: std::fmt::Debug + Send + Sync + 'static,
{
    let cancelled = match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => cancelled.cancellation_reasons(),
        _ => &[],
    };
    let is_conflict = |reason: &aws_sdk_dynamodb::types::CancellationReason| {
        reason.code().is_some_and(|code| CONFLICTS.contains(&code))
    };
    if cancelled.iter().any(is_conflict) {
        return CommitError::Conflict;
    }
    CommitError::Failed(failed(table, "write to", error))
}

/// The last error of the chain, such as "connection refused": the ones before say that a request failed.
fn deepest(error: &dyn Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}
