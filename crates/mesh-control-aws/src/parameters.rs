//! Calls of Parameter Store.

use std::time::Duration;

use aws_sdk_ssm::Client;
use aws_sdk_ssm::operation::delete_parameter::DeleteParameterError;
use aws_sdk_ssm::operation::get_parameter::GetParameterError;
use aws_sdk_ssm::types::{Parameter as SdkParameter, ParameterType};
use mesh_model::app_mesh::ResourcePath;
use mesh_model::app_mesh::resource_path::REVISION_PREFIX;

use crate::error::{AwsError, ErrorKind};
use crate::parameter::Parameter;

/// Maximum number of parameters in a response (Systems Manager API reference, `GetParametersByPath`, read 2026-11-23).
pub(crate) const PAGE: i32 = 10;

/// How long a read of revision markers may take, decided by us: the end of an outage is noticed by the next one.
const MARKER_TIMEOUT: Duration = Duration::from_secs(2);

const GET: &str = "ssm:GetParameter";
const BY_PATH: &str = "ssm:GetParametersByPath";
const PUT: &str = "ssm:PutParameter";
const DELETE: &str = "ssm:DeleteParameter";

/// The number of calls to read this number of parameters.
pub(crate) fn calls(parameters: usize) -> usize {
    // One for the mesh's own parameter, and at least one for those below.
    1 + parameters.div_ceil(PAGE as usize).max(1)
}

/// The number of calls to read this number of revision markers.
pub(crate) fn marker_calls(markers: usize) -> usize {
    markers.div_ceil(PAGE as usize).max(1)
}

/// All parameters of a mesh: its own, if it exists, and all below it.
///
/// # Errors
///
/// If one of the calls fails.
pub(crate) async fn of_mesh(client: &Client, mesh: &str) -> Result<Vec<Parameter>, AwsError> {
    let root = ResourcePath::of_mesh(mesh).to_parameter();
    let mut parameters = below(client, &root).await?;
    parameters.extend(one(client, &root).await?);
    Ok(parameters)
}

/// The revision markers of a mesh.
///
/// # Errors
///
/// If one of the calls fails.
pub(crate) async fn markers_of(client: &Client, mesh: &str) -> Result<Vec<Parameter>, AwsError> {
    below(client, &marker_path(mesh)).await
}

fn marker_path(mesh: &str) -> String {
    format!("{REVISION_PREFIX}{mesh}")
}

/// The revision markers of a mesh, for a replica.
///
/// # Errors
///
/// If one of the calls fails, or there is no response within [`MARKER_TIMEOUT`].
pub(crate) async fn markers_in_time(client: &Client, mesh: &str) -> Result<Vec<Parameter>, AwsError> {
    match tokio::time::timeout(MARKER_TIMEOUT, markers_of(client, mesh)).await {
        Ok(read) => read,
        Err(_) => Err(AwsError {
            call: BY_PATH,
            resource: marker_path(mesh),
            reason: ErrorKind::Unreachable,
            message: format!("no response within {} s", MARKER_TIMEOUT.as_secs()),
        }),
    }
}

/// All parameters below a path, on every level.
pub(crate) async fn below(client: &Client, path: &str) -> Result<Vec<Parameter>, AwsError> {
    let mut parameters = Vec::new();
    let mut next = None;
    loop {
        let request = client.get_parameters_by_path().path(path).recursive(true);
        let response = request
            .max_results(PAGE)
            .set_next_token(next)
            .send()
            .await
            .map_err(|error| AwsError::of(BY_PATH, path, &error))?;
        // An empty page may not be the last one.
        for parameter in response.parameters.unwrap_or_default() {
            parameters.push(convert(parameter).ok_or_else(|| incomplete(BY_PATH, path))?);
        }
        next = response.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(parameters);
        }
    }
}

async fn one(client: &Client, name: &str) -> Result<Option<Parameter>, AwsError> {
    match client.get_parameter().name(name).send().await {
        Ok(response) => {
            let parameter = response.parameter.and_then(convert);
            parameter.map(Some).ok_or_else(|| incomplete(GET, name))
        }
        Err(error)
            if error
                .as_service_error()
                .is_some_and(GetParameterError::is_parameter_not_found) =>
        {
            Ok(None)
        }
        Err(error) => Err(AwsError::of(GET, name, &error)),
    }
}

/// Creates or overwrites a parameter of type `String`.
pub(crate) async fn put(client: &Client, name: &str, value: &str) -> Result<(), AwsError> {
    let put = client.put_parameter().name(name).value(value);
    put.set_type(Some(ParameterType::String))
        .overwrite(true)
        .send()
        .await
        .map_err(|error| AwsError::of(PUT, name, &error))?;
    Ok(())
}

/// Deletes a parameter, if it exists.
pub(crate) async fn delete(client: &Client, name: &str) -> Result<(), AwsError> {
    match client.delete_parameter().name(name).send().await {
        Err(error)
            if !error
                .as_service_error()
                .is_some_and(DeleteParameterError::is_parameter_not_found) =>
        {
            Err(AwsError::of(DELETE, name, &error))
        }
        _ => Ok(()),
    }
}

fn convert(parameter: SdkParameter) -> Option<Parameter> {
    Some(Parameter {
        version: parameter.version,
        name: parameter.name?,
        kind: parameter.r#type?.as_str().to_owned(),
        value: parameter.value?,
    })
}

fn incomplete(call: &'static str, resource: &str) -> AwsError {
    AwsError {
        call,
        resource: resource.to_owned(),
        reason: ErrorKind::Other,
        message: "the response has a parameter without a name, a type or a value".to_owned(),
    }
}
