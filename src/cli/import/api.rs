//! App Mesh's API as source and target of `import`.

use std::io;

use app_mesh_client::{ApiClient, Extra, Outcome, ReadError, WriteError};
use app_mesh_migrate::Meshes;
use aws_config::{BehaviorVersion, Region};
use aws_smithy_http_client::Builder;

use crate::cli::aws::config::TLS;
use crate::console::{OutputError, print, print_error};

/// Why a mesh was not read or written through the API.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("cannot start the async runtime")]
    Runtime(#[source] io::Error),
    #[error("no region is configured; set AWS_REGION, or give --region: the one of the server")]
    NoRegion,
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Output(#[from] OutputError),
}

/// Reads these meshes, or all.
pub(crate) fn read(url: &str, region: Option<&str>, meshes: &[String]) -> Result<Meshes, ApiError> {
    block_on(async { Ok(client(url, region).await?.read(meshes).await?.meshes) })
}

/// Writes meshes, and prints what happened to each resource.
pub(crate) fn write(url: &str, region: Option<&str>, meshes: &Meshes, prune: bool) -> Result<(), ApiError> {
    let extra = if prune { Extra::Delete } else { Extra::Keep };
    let mut printed = Ok(());
    let report = |path: &_, outcome: Outcome| {
        let line = print(&format!("{outcome:<9} {path}"));
        if printed.is_ok() {
            printed = line;
        }
    };
    let summary = block_on(async { Ok(client(url, region).await?.write(meshes, extra, report).await?) })?;
    printed?;
    let app_mesh_client::Summary {
        created,
        updated,
        tagged,
        deleted,
        unchanged,
        kept,
        ..
    } = summary;
    print_error(&format!(
        "{created} created, {updated} updated, {tagged} tagged, {deleted} deleted, {unchanged} unchanged"
    ));
    if kept > 0 {
        print_error(&format!(
            "{kept} resources are not in the source and were kept; --prune deletes them"
        ));
    }
    Ok(())
}

fn block_on<T>(work: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(ApiError::Runtime)?.block_on(work)
}

/// A client with the credentials of the SDK's default chain.
async fn client(url: &str, region: Option<&str>) -> Result<ApiClient, ApiError> {
    let http = Builder::new().tls_provider(TLS).build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
    if let Some(region) = region {
        loader = loader.region(Region::new(region.to_owned()));
    }
    let config = loader.load().await;
    if config.region().is_none() {
        return Err(ApiError::NoRegion);
    }
    Ok(ApiClient::new(&config, url))
}
