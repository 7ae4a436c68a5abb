//! Deleting a stack, with what would keep it from being deleted and what would be left of it.

use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::types::StackStatus as SdkStatus;

use super::cloud_map::ownership::{OwnedNames, owned};
use super::deployed_stack::{DeployedStack, read};
use super::environment::Environment;
use super::error::{Error, ErrorKind};
use super::event::Observer;
use super::event_reader::Operation;
use super::status::StackCondition;
use super::wait::OperationResult;

/// What became of a stack that was to be destroyed, and of what it left in Cloud Map.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Destroyed {
    /// Whether there was such a stack.
    pub existed: bool,
    /// What was removed beside the stack's resources, in renderer: "namespace `shop`, which Service Connect had created".
    pub removed: Vec<String>,
    /// What is left, and why.
    pub left: Vec<Leftover>,
}

/// Something that was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// What: "namespace `shop`".
    pub what: String,
    /// Why: "service `orders` in it is not of this stack".
    pub why: String,
}

/// A resource of a stack.
#[derive(Debug, Clone)]
pub(super) struct StackResource {
    pub(super) kind: String,
    pub(super) physical_id: String,
}

/// Types of namespaces; CloudFormation cannot delete one that has services.
const NAMESPACES: [&str; 3] = [
    "AWS::ServiceDiscovery::HttpNamespace",
    "AWS::ServiceDiscovery::PrivateDnsNamespace",
    "AWS::ServiceDiscovery::PublicDnsNamespace",
];
const SERVICE: &str = "AWS::ServiceDiscovery::Service";

impl Environment {
    /// Deletes a stack and follows that to its end, with what CloudFormation would stumble over or leave:
    ///
    /// 1. The stack is deleted.
    /// 2. If that fails, what is still registered in the stack's own Cloud Map services is deregistered, as Cloud Map
    ///    deletes no service that has instances, and tasks that died left theirs; what Service Connect created for this
    ///    stack in a namespace of it is removed; and the stack is deleted once more.
    /// 3. A namespace that ECS created for this stack, because Service Connect was given its name, is removed with the
    ///    services in it. It stays, and [`Destroyed::left`] says why, unless all of this is so: it is an HTTP namespace
    ///    of no stack, no older than this one, with the tag that ECS gives (`AmazonECSManaged`) or none, and every
    ///    service in it has that tag and a name that the stack's template gives, and no other stack names it.
    ///
    /// A stack that does not exist is a success that says so; if one of this name was deleted in the last 90 days, step
    /// 3 is done for it, so that destroying again finishes what was interrupted. A deletion that is under way already is
    /// followed. The future may be dropped at any time, and destroying again goes on from there.
    ///
    /// # Errors
    ///
    /// Before anything is changed: [`ErrorKind::Protected`] if the stack is protected against deletion or others import
    /// from it, [`ErrorKind::Busy`] while it is updated. Then [`ErrorKind::Failed`] with the first cause if it cannot be
    /// deleted, and whatever keeps calls from being made.
    pub async fn destroy(&self, stack: &str, observer: &mut dyn Observer) -> Result<Destroyed, Error> {
        let mut destroyed = Destroyed::default();
        let (found, owned) = match self.deployed(stack).await? {
            Some(found) => {
                destroyed.existed = true;
                let owned = match found.template() {
                    Ok(template) => owned(&template, &found.parameters),
                    Err(error) => {
                        destroyed.left.push(Leftover {
                            what: "what Service Connect may have created for it".to_owned(),
                            why: format!("its template cannot be read: {error}"),
                        });
                        OwnedNames::default()
                    }
                };
                (found, owned)
            }
            None => match self.deleted_before(stack).await? {
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
            return Err(self.blocked_error(found));
        }
        self.may_be_deleted(found).await?;
        // Not before it is certain that the stack may go: tasks that stay would be without a name.
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
            // ECS deregisters tasks late, so a service that had some may have none by now.
            if destroyed.removed.len() > before || left.iter().any(|resource| resource.kind == SERVICE) {
                observer.note("deleting the stack once more, now that what stood in the way is removed");
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
            .client_request_token(&token);
        call.send()
            .await
            .map_err(|error| self.call_error("DeleteStack", &found.name, &error))?;
        let operation = Operation {
            stack: found.name.clone(),
            stack_id: found.id.clone(),
            token: Some(token),
        };
        let ended = self.wait_for_end(operation, Some(total), true, observer).await?;
        for event in ended.events.iter().filter(|event| event.status == "DELETE_SKIPPED") {
            let kept = Leftover {
                what: format!("{} {} (`{}`)", event.kind, event.logical_id, event.physical_id),
                why: "its deletion policy keeps it".to_owned(),
            };
            // A second deletion passes over it once more.
            if !destroyed.left.contains(&kept) {
                destroyed.left.push(kept);
            }
        }
        Ok(ended)
    }

    /// Whether CloudFormation would begin to delete it.
    async fn may_be_deleted(&self, found: &DeployedStack) -> Result<(), Error> {
        let stack = &found.name;
        if found.is_protected {
            let message = format!(
                "stack `{stack}` is protected against deletion. If it is to go: `aws cloudformation \
                 update-termination-protection --no-enable-termination-protection --stack-name {stack} --region {}`, \
                 then destroy it again",
                self.region()
            );
            return Err(Error::new(ErrorKind::Protected, message));
        }
        for export in found.outputs.values().filter_map(|output| output.export.as_ref()) {
            let importers = match self.cloudformation().list_imports().export_name(export).send().await {
                Ok(answer) => answer.imports.unwrap_or_default(),
                // That is how CloudFormation says that there are none.
                Err(error) if error.message().is_some_and(|message| message.contains("not imported")) => Vec::new(),
                Err(error) => return Err(self.call_error("ListImports", stack, &error)),
            };
            if !importers.is_empty() {
                let message = format!(
                    "stack `{stack}` cannot be deleted while others import its export `{export}`: destroy {} first",
                    importers.join(", ")
                );
                return Err(Error::new(ErrorKind::Protected, message));
            }
        }
        Ok(())
    }

    /// What a stack consists of.
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
            let answer = call.send().await;
            let answer = answer.map_err(|error| self.call_error("ListStackResources", &found.name, &error))?;
            for resource in answer.stack_resource_summaries.unwrap_or_default() {
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
            next = answer.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(resources);
            }
        }
    }

    /// The last stack of this name that was deleted, with what it may have left. CloudFormation remembers 90 days (API
    /// reference, `ListStacks` and `GetTemplate`, read 2026-11-23).
    async fn deleted_before(&self, stack: &str) -> Result<Option<(DeployedStack, OwnedNames)>, Error> {
        let mut next = None;
        let mut last: Option<(i64, String)> = None;
        loop {
            let call = self
                .cloudformation()
                .list_stacks()
                .stack_status_filter(SdkStatus::DeleteComplete)
                .set_next_token(next);
            let answer = call.send().await;
            let answer = answer.map_err(|error| self.call_error("ListStacks", stack, &error))?;
            for found in answer.stack_summaries.unwrap_or_default() {
                let created = found.creation_time.map_or(0, |time| time.secs());
                let is_it = found.stack_name.as_deref() == Some(stack);
                if let (true, Some(id)) = (
                    is_it && last.as_ref().is_none_or(|(time, _)| *time < created),
                    found.stack_id,
                ) {
                    last = Some((created, id));
                }
            }
            next = answer.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                break;
            }
        }
        let Some((_, id)) = last else { return Ok(None) };
        let Some(found) = self.describe(&id).await?.map(read) else {
            return Ok(None);
        };
        let template = self.cloudformation().get_template().stack_name(&id).send().await;
        let template = template.map_err(|error| self.call_error("GetTemplate", stack, &error))?;
        let found = found.with_template(template.template_body.unwrap_or_default());
        // One that cannot be read any more owned nothing.
        let owned = found.template().map(|template| owned(&template, &found.parameters));
        Ok(Some((found, owned.unwrap_or_default())))
    }
}
