//! Leftovers of a stack in Cloud Map: registrations, and objects that Service Connect created.

mod client;
pub(crate) mod ownership;
mod sharing;

use std::time::Duration;

use super::destroy::{Destroyed, Leftover};
use super::environment::Environment;
use super::error::Error;
use super::event::Observer;
use super::poll::PollInterval;

use ownership::{FoundNamespace, FoundService, NamespaceAction, OwnedNames, namespace_action};

/// How long ECS may take to deregister tasks and to delete its services after a stack is deleted.
const ECS_CLEANUP_TIMEOUT: Duration = Duration::from_secs(60);

impl Environment {
    /// Deregisters all instances of a service.
    pub(super) async fn deregister_all(
        &self,
        service: &str,
        destroyed: &mut Destroyed,
        observer: &mut dyn Observer,
    ) -> Result<(), Error> {
        for instance in self.instances(service).await? {
            self.deregister(service, &instance).await?;
            let removed = format!("registration `{instance}` in Cloud Map service `{service}`");
            observer.note(&format!("removed {removed}"));
            destroyed.removed.push(removed);
        }
        Ok(())
    }

    /// Removes the services that Service Connect created in a namespace of the stack, whose ECS services are deleted.
    pub(super) async fn clear_namespace(
        &self,
        namespace: &str,
        owned: &OwnedNames,
        destroyed: &mut Destroyed,
        observer: &mut dyn Observer,
    ) -> Result<(), Error> {
        let Some(found) = self.namespace(namespace).await? else {
            return Ok(());
        };
        for service in self.services(&found).await? {
            match owned.foreign_reason(&service) {
                None => self.remove_service(&service, destroyed, observer).await?,
                Some(why) => destroyed.left.push(Leftover {
                    what: format!("service `{}` in namespace `{}`", service.name, found.name),
                    why,
                }),
            }
        }
        Ok(())
    }

    /// Removes the namespaces that ECS created for a deleted stack.
    pub(super) async fn remove_namespaces(
        &self,
        owned: &OwnedNames,
        created: i64,
        destroyed: &mut Destroyed,
        observer: &mut dyn Observer,
    ) -> Result<(), Error> {
        for name in &owned.namespaces {
            let Some(found) = self.namespace_by_name(name).await? else {
                continue;
            };
            self.remove_namespace(&found, owned, created, destroyed, observer)
                .await?;
        }
        Ok(())
    }

    async fn remove_namespace(
        &self,
        found: &FoundNamespace,
        owned: &OwnedNames,
        created: i64,
        destroyed: &mut Destroyed,
        observer: &mut dyn Observer,
    ) -> Result<(), Error> {
        let owner = self.owner(&found.id).await?;
        let mut poller = self.poller(PollInterval::CLOUD_MAP);
        let keep = |why: String| Leftover {
            what: format!("namespace `{}`", found.name),
            why,
        };
        let services = loop {
            let services = self.services(found).await?;
            match namespace_action(found, owner.as_deref(), &services, owned, created) {
                NamespaceAction::Keep(why) => {
                    destroyed.left.push(keep(why));
                    return Ok(());
                }
                NamespaceAction::Delete => break services,
                // ECS may still be deregistering tasks.
                NamespaceAction::DeleteOnceEmpty if poller.waited() < ECS_CLEANUP_TIMEOUT => poller.wait().await,
                // The stack was deleted earlier: the instances may belong to another one.
                NamespaceAction::DeleteOnceEmpty if !destroyed.existed => {
                    let why = "it has registered instances, and the stack was deleted before".to_owned();
                    destroyed.left.push(keep(why));
                    return Ok(());
                }
                NamespaceAction::DeleteOnceEmpty => break services,
            }
        };
        if let Some(other) = self.referring_stack(&found.name).await? {
            destroyed.left.push(keep(format!("stack `{other}` refers to it too")));
            return Ok(());
        }
        for service in &services {
            self.remove_service(service, destroyed, observer).await?;
        }
        self.delete_namespace(found).await?;
        let removed = format!("namespace `{}`, created by Service Connect", found.name);
        observer.note(&format!("removed {removed}"));
        destroyed.removed.push(removed);
        Ok(())
    }

    async fn remove_service(
        &self,
        service: &FoundService,
        destroyed: &mut Destroyed,
        observer: &mut dyn Observer,
    ) -> Result<(), Error> {
        if service.instances > 0 {
            self.deregister_all(&service.id, destroyed, observer).await?;
        }
        self.delete_service(service).await?;
        let removed = format!("Cloud Map service `{}`, created by Service Connect", service.name);
        observer.note(&format!("removed {removed}"));
        destroyed.removed.push(removed);
        Ok(())
    }
}
