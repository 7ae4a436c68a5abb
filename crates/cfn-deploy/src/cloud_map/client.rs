//! Calls to Cloud Map. Deleting an object that does not exist succeeds.
//!
//! Lists are filtered by AWS and every entry is checked again, so that no unrelated object is deleted.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_servicediscovery::operation::delete_namespace::DeleteNamespaceError;
use aws_sdk_servicediscovery::operation::delete_service::DeleteServiceError;
use aws_sdk_servicediscovery::operation::deregister_instance::DeregisterInstanceError;
use aws_sdk_servicediscovery::operation::get_namespace::GetNamespaceError;
use aws_sdk_servicediscovery::operation::get_service::GetServiceError;
use aws_sdk_servicediscovery::operation::list_instances::ListInstancesError;
use aws_sdk_servicediscovery::types::{
    FilterCondition, Namespace, NamespaceFilter, NamespaceFilterName, OperationStatus, ServiceFilter,
    ServiceFilterName, Tag,
};

use super::ownership::{FoundNamespace, FoundService};
use crate::environment::Environment;
use crate::error::{Error, ErrorKind};
use crate::poll::PollInterval;

/// The time limit of a Cloud Map operation. A namespace takes about a minute.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(5 * 60);

impl Environment {
    /// A namespace by its id.
    pub(super) async fn namespace(&self, id: &str) -> Result<Option<FoundNamespace>, Error> {
        let found = match self.cloud_map().get_namespace().id(id).send().await {
            Ok(response) => response.namespace,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(GetNamespaceError::is_namespace_not_found) =>
            {
                None
            }
            Err(error) => {
                return Err(self.service_error(SERVICE, "GetNamespace", &format!("namespace `{id}`"), error));
            }
        };
        match found {
            Some(found) => Ok(Some(self.found_namespace(found).await?)),
            None => Ok(None),
        }
    }

    /// A namespace by its name.
    pub(super) async fn namespace_by_name(&self, name: &str) -> Result<Option<FoundNamespace>, Error> {
        let resource = format!("namespace `{name}`");
        let filter = NamespaceFilter::builder()
            .name(NamespaceFilterName::Name)
            .condition(FilterCondition::Eq)
            .values(name)
            .build();
        let filter = filter.map_err(|error| Error::new(ErrorKind::Unexpected, format!("{resource}: {error}")))?;
        let mut next = None;
        loop {
            let call = self
                .cloud_map()
                .list_namespaces()
                .filters(filter.clone())
                .set_next_token(next);
            let response = call.send().await;
            let response = response.map_err(|error| self.service_error(SERVICE, "ListNamespaces", &resource, error))?;
            let ids = response.namespaces.unwrap_or_default();
            let found = ids
                .into_iter()
                .find(|namespace| namespace.name.as_deref() == Some(name));
            if let Some(id) = found.and_then(|namespace| namespace.id) {
                return self.namespace(&id).await;
            }
            next = response.next_token;
            if next.is_none() {
                return Ok(None);
            }
        }
    }

    async fn found_namespace(&self, found: Namespace) -> Result<FoundNamespace, Error> {
        let name = found.name.unwrap_or_default();
        Ok(FoundNamespace {
            id: found.id.unwrap_or_default(),
            kind: found.r#type.map_or_else(String::new, |kind| kind.as_str().to_owned()),
            created: found.create_date.map_or(0, |time| time.secs()),
            tags: self.tags(found.arn.as_deref(), &format!("namespace `{name}`")).await?,
            name,
        })
    }

    async fn tags(&self, arn: Option<&str>, resource: &str) -> Result<BTreeMap<String, String>, Error> {
        let Some(arn) = arn else {
            let message =
                format!("Cloud Map returned no ARN for {resource}, so its tags are unknown; it was not deleted");
            return Err(Error::new(ErrorKind::Unexpected, message));
        };
        let response = self.cloud_map().list_tags_for_resource().resource_arn(arn).send().await;
        let response = response.map_err(|error| self.service_error(SERVICE, "ListTagsForResource", resource, error))?;
        let tags = response.tags.unwrap_or_default();
        Ok(tags.into_iter().map(|Tag { key, value, .. }| (key, value)).collect())
    }

    /// The services in a namespace.
    pub(super) async fn services(&self, namespace: &FoundNamespace) -> Result<Vec<FoundService>, Error> {
        let resource = format!("namespace `{}`", namespace.name);
        let filter = ServiceFilter::builder()
            .name(ServiceFilterName::NamespaceId)
            .condition(FilterCondition::Eq)
            .values(&namespace.id)
            .build();
        let filter = filter.map_err(|error| Error::new(ErrorKind::Unexpected, format!("{resource}: {error}")))?;
        let mut services = Vec::new();
        let mut next = None;
        loop {
            let call = self
                .cloud_map()
                .list_services()
                .filters(filter.clone())
                .set_next_token(next);
            let response = call.send().await;
            let response = response.map_err(|error| self.service_error(SERVICE, "ListServices", &resource, error))?;
            for id in response
                .services
                .unwrap_or_default()
                .into_iter()
                .filter_map(|service| service.id)
            {
                services.extend(self.service(&id, namespace).await?);
            }
            next = response.next_token;
            if next.is_none() {
                return Ok(services);
            }
        }
    }

    /// The service, if it exists and is in this namespace.
    async fn service(&self, id: &str, namespace: &FoundNamespace) -> Result<Option<FoundService>, Error> {
        let resource = format!("service `{id}`");
        let found = match self.cloud_map().get_service().id(id).send().await {
            Ok(response) => response.service,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(GetServiceError::is_service_not_found) =>
            {
                None
            }
            Err(error) => return Err(self.service_error(SERVICE, "GetService", &resource, error)),
        };
        let Some(found) = found.filter(|found| found.namespace_id.as_deref() == Some(namespace.id.as_str())) else {
            return Ok(None);
        };
        let name = found.name.unwrap_or_default();
        Ok(Some(FoundService {
            id: id.to_owned(),
            tags: self.tags(found.arn.as_deref(), &format!("service `{name}`")).await?,
            instances: self.instances(id).await?.len(),
            name,
        }))
    }

    /// The ids of the instances of a service.
    pub(super) async fn instances(&self, service: &str) -> Result<Vec<String>, Error> {
        let mut instances = Vec::new();
        let mut next = None;
        loop {
            let response = match self
                .cloud_map()
                .list_instances()
                .service_id(service)
                .set_next_token(next)
                .send()
                .await
            {
                Ok(response) => response,
                Err(error)
                    if error
                        .as_service_error()
                        .is_some_and(ListInstancesError::is_service_not_found) =>
                {
                    return Ok(Vec::new());
                }
                Err(error) => {
                    return Err(self.service_error(SERVICE, "ListInstances", &format!("service `{service}`"), error));
                }
            };
            instances.extend(
                response
                    .instances
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(|instance| instance.id),
            );
            next = response.next_token;
            if next.is_none() {
                return Ok(instances);
            }
        }
    }

    /// Deregisters an instance and waits for the end.
    pub(super) async fn deregister(&self, service: &str, instance: &str) -> Result<(), Error> {
        let resource = format!("instance `{instance}` of service `{service}`");
        let call = self
            .cloud_map()
            .deregister_instance()
            .service_id(service)
            .instance_id(instance);
        match call.send().await {
            Ok(response) => {
                self.wait_for_operation(response.operation_id, "DeregisterInstance", &resource)
                    .await
            }
            Err(error) if error.as_service_error().is_some_and(is_gone) => Ok(()),
            Err(error) => Err(self.service_error(SERVICE, "DeregisterInstance", &resource, error)),
        }
    }

    pub(super) async fn delete_service(&self, service: &FoundService) -> Result<(), Error> {
        match self.cloud_map().delete_service().id(&service.id).send().await {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DeleteServiceError::is_service_not_found) =>
            {
                Ok(())
            }
            Err(error) => {
                Err(self.service_error(SERVICE, "DeleteService", &format!("service `{}`", service.name), error))
            }
        }
    }

    /// Deletes a namespace and waits for the end.
    pub(super) async fn delete_namespace(&self, namespace: &FoundNamespace) -> Result<(), Error> {
        let resource = format!("namespace `{}`", namespace.name);
        match self.cloud_map().delete_namespace().id(&namespace.id).send().await {
            Ok(response) => {
                self.wait_for_operation(response.operation_id, "DeleteNamespace", &resource)
                    .await
            }
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DeleteNamespaceError::is_namespace_not_found) =>
            {
                Ok(())
            }
            Err(error) => Err(self.service_error(SERVICE, "DeleteNamespace", &resource, error)),
        }
    }

    /// Polls an operation until its end.
    async fn wait_for_operation(&self, id: Option<String>, action: &'static str, resource: &str) -> Result<(), Error> {
        let Some(id) = id else { return Ok(()) };
        let mut poller = self.poller(PollInterval::CLOUD_MAP);
        loop {
            let operation = match self.cloud_map().get_operation().operation_id(&id).send().await {
                Ok(response) => response.operation,
                Err(error) => {
                    let error = self.service_error(SERVICE, "GetOperation", resource, error);
                    if error.is_transient() && poller.waited() < OPERATION_TIMEOUT {
                        poller.wait_backoff().await;
                        continue;
                    }
                    return Err(error);
                }
            };
            let operation = operation.unwrap_or_else(|| aws_sdk_servicediscovery::types::Operation::builder().build());
            match operation.status {
                Some(OperationStatus::Success) => return Ok(()),
                Some(OperationStatus::Fail) => {
                    let why = operation.error_message.or(operation.error_code).unwrap_or_default();
                    let message = format!("{SERVICE}:{action} for {resource} failed: {why}; destroy again to retry");
                    return Err(Error::new(ErrorKind::Failed, message));
                }
                _ if poller.waited() >= OPERATION_TIMEOUT => {
                    let message = format!(
                        "{SERVICE}:{action} for {resource} has not ended within {} minutes; destroy again later",
                        OPERATION_TIMEOUT.as_secs() / 60
                    );
                    return Err(Error::new(ErrorKind::Unexpected, message));
                }
                _ => poller.wait().await,
            }
        }
    }
}

/// The service prefix of Cloud Map's IAM actions.
const SERVICE: &str = "servicediscovery";

fn is_gone(error: &DeregisterInstanceError) -> bool {
    error.is_instance_not_found() || error.is_service_not_found()
}
