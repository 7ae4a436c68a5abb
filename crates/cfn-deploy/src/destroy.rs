//! Deletes stacks, including what blocks their deletion and what they leave behind.

use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::types::StackStatus as SdkStatus;

use super::cloud_map::ownership::{OwnedNames, owned_names};
use super::deployed_stack::{DeployedStack, read};
use super::environment::Environment;
use super::error::{Error, ErrorKind};
use super::event::Observer;
use super::event_reader::Operation;
use super::status::StackCondition;
use super::wait::OperationResult;

/// The result of [`Environment::destroy`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Destroyed {
    /// Whether the stack existed.
    pub existed: bool,
    /// What was removed in addition to the stack's resources: "namespace `shop`, created by Service Connect".
    pub removed: Vec<String>,
    /// What remains, and why.
    pub left: Vec<Leftover>,
}

/// Something that remains after a deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// The object: "namespace `shop`".
    pub what: String,
    /// The reason: "service `orders` in it is not of this stack".
    pub why: String,
}

/// A resource of a stack.
#[derive(Debug, Clone)]
pub(super) struct StackResource {
    pub(super) kind: String,
    pub(super) physical_id: String,
}

/// Types of namespaces. CloudFormation cannot delete a namespace that has services.
const NAMESPACES: [&str; 3] = [
    "AWS::ServiceDiscovery::HttpNamespace",
    "AWS::ServiceDiscovery::PrivateDnsNamespace",
    "AWS::ServiceDiscovery::PublicDnsNamespace",
];
const SERVICE: &str = "AWS::ServiceDiscovery::Service";

impl Environment {
    /// Deletes a stack and waits for the end, including what blocks its deletion and what it leaves behind:
    ///
    /// 1. Delete the stack.
    /// 2. If that fails: deregister all instances of the stack's Cloud Map services (Cloud Map does not delete a service
    ///    that has instances, and tasks that died leave theirs), remove what Service Connect created for the stack in its
    ///    namespaces, and delete the stack again.
    /// 3. Remove namespaces that ECS created for the stack because Service Connect refers to them by name, with their
    ///    services. A namespace is removed only if it is an HTTP namespace of no stack, not older than this stack, with the
    ///    tag `AmazonECSManaged` or no tag; if every service in it has that tag and a name from the stack's template; and if
    ///    no other stack refers to it. Otherwise it remains, and [`Destroyed::left`] has the reason.
    ///
    /// A stack that does not exist is a success, see [`Destroyed::existed`]. If a stack of this name was deleted in the last
    /// 90 days, step 3 runs for it, so that an interrupted deletion can be completed. A deletion in progress is waited for.
    /// Cancel-safe: call it again to resume.
    ///
    /// # Errors
    ///
    /// Before any change: [`ErrorKind::Protected`] for termination protection or imported exports, [`ErrorKind::Busy`] during
    /// an update. Then [`ErrorKind::Failed`] with the root cause, and errors of calls.
    pub async fn destroy(&self, stack: &str, observer: &mut dyn Observer) -> Result<Destroyed, Error> {
        let mut destroyed = Destroyed::default();
        let (found, owned) = match self.deployed(stack).await? {
            Some(found) => {
                destroyed.existed = true;
                let owned = match found.template() {
                    Ok(template) => owned_names(&template, &found.parameters),
                    Err(error) => {
                        destroyed.left.push(Leftover {
                            what: "objects that Service Connect may have created for it".to_owned(),
                            why: format!("its template cannot be parsed: {error}"),
                        });
                        OwnedNames::default()
                    }
                };
                (found, owned)
            }
            None => match self.last_deleted(stack).await? {
                Some(before) => before,
                None => return Ok(destroyed),
            },
        };
        if destroyed.existed {
            self.delete(&found, &owned, &mut destroyed, observer).await?;
        }
        self.remove_namespaces(&owned, found.created, &mut destroyed, observer)
            .await?;
        Ok(destroyed)
    }

    /// Steps 1 and 2.
    async fn delete(
        &self,
        found: &DeployedStack,
        owned: &OwnedNames,
        destroyed: &mut Destroyed,
        observer: &mut dyn Observer,
    ) -> Result<(), Error> {
        let stack = &found.name;
        let resources = self.resources(found).await?;
        if found.status.as_str() == "DELETE_IN_PROGRESS" {
            let operation = self.operation(stack, &found.id).await?;
            let ended = self
                .wait_for_end(operation, Some(resources.len()), true, observer)
                .await?;
            self.deployed_or_error(stack, "deleting", ended).await?;
            return Ok(());
        }
        if found.status.is_in_progress() && found.status.as_str() != "CREATE_IN_PROGRESS" {
            return Err(self.blocked_error(found).await);
        }
        self.check_deletable(found).await?;
        // Only if the stack can be deleted: tasks that remain would lose their names.
        let mut ended = self.delete_once(found, resources.len(), destroyed, observer).await?;
        if ended.status.as_str() == "DELETE_FAILED" {
            let left = self.resources(found).await?;
            let before = destroyed.removed.len();
            for service in left.iter().filter(|resource| resource.kind == SERVICE) {
                self.deregister_all(&service.physical_id, destroyed, observer).await?;
            }
            let namespaces = left.iter().filter(|left| NAMESPACES.contains(&left.kind.as_str()));
            for namespace in namespaces {
                self.clear_namespace(&namespace.physical_id, owned, destroyed, observer)
                    .await?;
            }
            // ECS deregisters tasks late: a service that had instances may have none by now.
            if destroyed.removed.len() > before || left.iter().any(|resource| resource.kind == SERVICE) {
                observer.note("deleting the stack again after removing what blocked its deletion");
                ended = self.delete_once(found, left.len(), destroyed, observer).await?;
            }
        }
        self.deployed_or_error(stack, "deleting", ended).await?;
        Ok(())
    }

    async fn delete_once(
        &self,
        found: &DeployedStack,
        total: usize,
        destroyed: &mut Destroyed,
        observer: &mut dyn Observer,
    ) -> Result<OperationResult, Error> {
        let token = format!("meshwright-{}", uuid::Uuid::new_v4().simple());
        let call = self
            .cloudformation()
            .delete_stack()
            .stack_name(&found.id)
            .set_role_arn(self.service_role().map(str::to_owned))
            .client_request_token(&token);
        call.send()
            .await
            .map_err(|error| self.call_error("DeleteStack", &found.name, error))?;
        let operation = Operation {
            stack: found.name.clone(),
            stack_id: found.id.clone(),
            token: Some(token),
        };
        let ended = self.wait_for_end(operation, Some(total), true, observer).await?;
        for event in ended.events.iter().filter(|event| event.status == "DELETE_SKIPPED") {
            let retained = Leftover {
                what: format!("{} {} (`{}`)", event.kind, event.logical_id, event.physical_id),
                why: "its deletion policy retains it".to_owned(),
            };
            // A second deletion reports it again.
            if !destroyed.left.contains(&retained) {
                destroyed.left.push(retained);
            }
        }
        Ok(ended)
    }

    /// Checks termination protection and imports, which CloudFormation checks too.
    async fn check_deletable(&self, found: &DeployedStack) -> Result<(), Error> {
        let stack = &found.name;
        if found.is_protected {
            let message = format!(
                "stack `{stack}` has termination protection; disable it with `aws cloudformation \
                 update-termination-protection --no-enable-termination-protection --stack-name {stack} --region {}`, \
                 then destroy it again",
                self.region()
            );
            return Err(Error::new(ErrorKind::Protected, message));
        }
        for export in found.outputs.values().filter_map(|output| output.export.as_ref()) {
            let importers = match self.cloudformation().list_imports().export_name(export).send().await {
                Ok(response) => response.imports.unwrap_or_default(),
                // CloudFormation's error for an export without imports.
                Err(error) if error.message().is_some_and(|message| message.contains("not imported")) => Vec::new(),
                Err(error) => return Err(self.call_error("ListImports", stack, error)),
            };
            if !importers.is_empty() {
                let message = format!(
                    "stack `{stack}` cannot be deleted while its export `{export}` is imported: destroy {} first",
                    importers.join(", ")
                );
                return Err(Error::new(ErrorKind::Protected, message));
            }
        }
        Ok(())
    }

    /// The resources of a stack.
    async fn resources(&self, found: &DeployedStack) -> Result<Vec<StackResource>, Error> {
        if found.status.condition() == StackCondition::ReviewInProgress {
            return Ok(Vec::new());
        }
        let mut resources = Vec::new();
        let mut next = None;
        loop {
            let call = self
                .cloudformation()
                .list_stack_resources()
                .stack_name(&found.id)
                .set_next_token(next);
            let response = call.send().await;
            let response = response.map_err(|error| self.call_error("ListStackResources", &found.name, error))?;
            for resource in response.stack_resource_summaries.unwrap_or_default() {
                let gone = resource
                    .resource_status()
                    .is_some_and(|status| status.as_str() == "DELETE_COMPLETE");
                if let (false, Some(kind)) = (gone, resource.resource_type) {
                    resources.push(StackResource {
                        kind,
                        physical_id: resource.physical_resource_id.unwrap_or_default(),
                    });
                }
            }
            next = response.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(resources);
            }
        }
    }

    /// The last deleted stack of this name, with the names it may own in Cloud Map. CloudFormation lists it for 90 days (API
    /// reference, `ListStacks` and `GetTemplate`, read 2026-11-23).
    async fn last_deleted(&self, stack: &str) -> Result<Option<(DeployedStack, OwnedNames)>, Error> {
        let mut next = None;
        let mut last: Option<(i64, String)> = None;
        loop {
            let call = self
                .cloudformation()
                .list_stacks()
                .stack_status_filter(SdkStatus::DeleteComplete)
                .set_next_token(next);
            let response = call.send().await;
            let response = response.map_err(|error| self.call_error("ListStacks", stack, error))?;
            for found in response.stack_summaries.unwrap_or_default() {
                let created = found.creation_time.map_or(0, |time| time.secs());
                let is_it = found.stack_name.as_deref() == Some(stack);
                if let (true, Some(id)) = (
                    is_it && last.as_ref().is_none_or(|(time, _)| *time < created),
                    found.stack_id,
                ) {
                    last = Some((created, id));
                }
            }
            next = response.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                break;
            }
        }
        let Some((_, id)) = last else { return Ok(None) };
        let Some(found) = self.describe(&id).await?.map(read) else {
            return Ok(None);
        };
        let template = self.cloudformation().get_template().stack_name(&id).send().await;
        let template = template.map_err(|error| self.call_error("GetTemplate", stack, error))?;
        let found = found.with_template(template.template_body.unwrap_or_default());
        // A template that cannot be parsed owns nothing.
        let owned = found
            .template()
            .map(|template| owned_names(&template, &found.parameters));
        Ok(Some((found, owned.unwrap_or_default())))
    }
}
