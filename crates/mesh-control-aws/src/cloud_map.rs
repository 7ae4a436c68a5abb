//! Queries Cloud Map: for the revision of a service, for its instances, and for the services of a namespace.

use std::collections::BTreeMap;

use aws_sdk_servicediscovery::Client;
use aws_sdk_servicediscovery::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_servicediscovery::types::{
    FilterCondition, HealthStatus, HealthStatusFilter, HttpInstanceSummary, ServiceFilter, ServiceFilterName,
};

use crate::discovery::{Discovery, Instance, Service};
use crate::endpoint_policy::EndpointPolicy;
use crate::error::{AwsError, ErrorKind};
use crate::poll_budget::LISTING_PAGE;
use crate::service_plan::Check;

/// Maximum number of instances in a response: as many as a service can have (AWS, "AWS Cloud Map service quotas", read
/// 2026-11-23).
const MOST: i32 = 1000;

/// The call for the revision of a service.
pub(crate) const REVISION_CALL: &str = "servicediscovery:DiscoverInstancesRevision";

/// A query for a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) service: Service,
    /// The `HttpName` of its namespace, the namespace's name in most cases.
    pub(crate) namespace: String,
    /// The call.
    pub(crate) check: Check,
}

/// The result of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Response {
    /// Nothing has changed.
    Unchanged,
    /// The current instances, with their revision.
    Now(Discovery, Option<i64>),
}

/// Runs a query.
///
/// # Errors
///
/// If one of the calls fails, other than for a namespace or service that does not exist.
pub(crate) async fn query(client: &Client, query: &Query, policy: &EndpointPolicy) -> Result<Response, AwsError> {
    let Query { service, namespace, .. } = query;
    let service = &service.service;
    let mut revision = None;
    if let Check::Revision(known) = query.check {
        let response = client
            .discover_instances_revision()
            .namespace_name(namespace)
            .service_name(service)
            .send()
            .await;
        revision = match response {
            Ok(response) => response.instances_revision,
            Err(error) if is_unknown(&error) => return Ok(Response::Now(Discovery::NotFound, None)),
            Err(error) => return Err(failure(REVISION_CALL, query, &error)),
        };
        if revision.is_some() && revision == known {
            return Ok(Response::Unchanged);
        }
    }
    let response = client
        .discover_instances()
        .namespace_name(namespace)
        .service_name(service)
        .max_results(MOST)
        // Healthy instances are selected here, so that unhealthy ones can be reported.
        .health_status(HealthStatusFilter::All)
        .send()
        .await;
    match response {
        Ok(response) => {
            let instances = response.instances.unwrap_or_default().into_iter();
            let mut instances: Vec<Instance> = instances.map(|summary| convert(summary, policy)).collect();
            // They come in random order.
            instances.sort_unstable();
            // That of this response, if any: it may have changed since the first call.
            let revision = response.instances_revision.or(revision);
            Ok(Response::Now(Discovery::Instances(instances), revision))
        }
        Err(error) if is_unknown(&error) => Ok(Response::Now(Discovery::NotFound, None)),
        Err(error) => Err(failure("servicediscovery:DiscoverInstances", query, &error)),
    }
}

/// The `HttpName` of the namespace `name` with this id or ARN. It differs from the name if another namespace had the
/// name before (Cloud Map API reference, `DiscoverInstances`, read 2026-11-23).
///
/// # Errors
///
/// If the call fails, or the namespace has another name.
pub(crate) async fn http_name(client: &Client, name: &str, id: &str) -> Result<String, AwsError> {
    const CALL: &str = "servicediscovery:GetNamespace";
    let wrong = |what: String| AwsError {
        call: CALL,
        resource: id.to_owned(),
        reason: ErrorKind::Other,
        message: format!("{what}; look at --namespace {name}={id}"),
    };
    let response = match client.get_namespace().id(id).send().await {
        Ok(response) => response,
        Err(error) if is_unknown(&error) => {
            return Err(wrong("no such namespace in this account and region".to_owned()));
        }
        Err(error) => return Err(AwsError::of(CALL, id, &error)),
    };
    let namespace = response.namespace.as_ref();
    if let Some(own) = namespace
        .and_then(|namespace| namespace.name())
        .filter(|own| *own != name)
    {
        return Err(wrong(format!("it is the namespace `{own}`, not `{name}`")));
    }
    let http = namespace.and_then(|namespace| namespace.properties()?.http_properties()?.http_name());
    Ok(http.unwrap_or(name).to_owned())
}

/// The number of instances of each service in the namespace with this id or ARN. It "might not reflect pending
/// registrations and deregistrations" (Cloud Map API reference, `ServiceSummary`, read 2026-11-30). Services without a
/// number are not included.
///
/// # Errors
///
/// If one of the calls fails.
pub(crate) async fn instance_counts(client: &Client, id: &str) -> Result<BTreeMap<String, usize>, AwsError> {
    const CALL: &str = "servicediscovery:ListServices";
    let filter = ServiceFilter::builder()
        .name(ServiceFilterName::NamespaceId)
        .condition(FilterCondition::Eq)
        .values(id)
        .build()
        .map_err(|error| AwsError {
            call: CALL,
            resource: id.to_owned(),
            reason: ErrorKind::Other,
            message: error.to_string(),
        })?;
    let mut counts = BTreeMap::new();
    let mut next = None;
    loop {
        let response = client
            .list_services()
            .filters(filter.clone())
            .max_results(i32::try_from(LISTING_PAGE).unwrap_or(i32::MAX))
            .set_next_token(next)
            .send()
            .await
            .map_err(|error| AwsError::of(CALL, id, &error))?;
        for service in response.services.unwrap_or_default() {
            let count = service.instance_count.and_then(|count| usize::try_from(count).ok());
            if let (Some(name), Some(count)) = (service.name, count) {
                counts.insert(name, count);
            }
        }
        next = response.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(counts);
        }
    }
}

fn convert(summary: HttpInstanceSummary, policy: &EndpointPolicy) -> Instance {
    let attributes = summary.attributes.unwrap_or_default().into_iter().collect();
    let is_healthy = summary.health_status != Some(HealthStatus::Unhealthy);
    Instance::new(summary.instance_id.unwrap_or_default(), attributes, is_healthy, policy)
}

fn is_unknown<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    matches!(
        error.code(),
        Some("NamespaceNotFound" | "ServiceNotFound" | "NamespaceNotFoundException" | "ServiceNotFoundException")
    )
}

fn failure<E>(call: &'static str, query: &Query, error: &SdkError<E>) -> AwsError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    AwsError::of(call, query.service.to_string(), error)
}
