//! What a stack leaves in Cloud Map: registrations, and what Service Connect created for it.

mod call;
pub(super) mod claim;
mod others;

use std::time::Duration;

use super::account::Account;
use super::destroy::{Destroyed, Left};
use super::error::Error;
use super::event::Observer;
use super::patience::Rhythm;

use claim::{Claims, FoundNamespace, FoundService, Verdict, verdict};

/// How long ECS may take to deregister tasks and to delete its services once a stack is gone. What is there after that
/// was left.
const SETTLING: Duration = Duration::from_secs(60);

impl Account {
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

    /// Removes what Service Connect created for a stack in a namespace of that stack, which has lost its ECS services.
    pub(super) async fn clear_namespace(
        &self,
        namespace: &str,
        claims: &Claims,
        destroyed: &mut Destroyed,
        observer: &mut dyn Observer,
    ) -> Result<(), Error> {
        let Some(found) = self.namespace(namespace).await? else {
            return Ok(());
        };
        for service in self.services(&found).await? {
            match claims.why_not(&service) {
                None => self.remove_service(&service, destroyed, observer).await?,
                Some(why) => destroyed.left.push(Left {
                    what: format!("service `{}` in namespace `{}`", service.name, found.name),
                    why,
                }),
            }
        }
        Ok(())
    }

    /// Removes the namespaces that ECS created for a stack that is gone now.
    pub(super) async fn remove_namespaces(
        &self,
        claims: &Claims,
        created: i64,
        destroyed: &mut Destroyed,
        observer: &mut dyn Observer,
    ) -> Result<(), Error> {
        for name in &claims.namespaces {
            let Some(found) = self.namespace_by_name(name).await? else {
                continue;
            };
            self.remove_namespace(&found, claims, created, destroyed, observer)
                .await?;
        }
        Ok(())
    }

    async fn remove_namespace(
        &self,
        found: &FoundNamespace,
        claims: &Claims,
        created: i64,
        destroyed: &mut Destroyed,
        observer: &mut dyn Observer,
    ) -> Result<(), Error> {
        let owner = self.owner(&found.id).await?;
        let mut patience = self.patience(Rhythm::CLOUD_MAP);
        let stays = |why: String| Left {
            what: format!("namespace `{}`", found.name),
            why,
        };
        let services = loop {
            let services = self.services(found).await?;
            match verdict(found, owner.as_deref(), &services, claims, created) {
                Verdict::Stays(why) => {
                    destroyed.left.push(stays(why));
                    return Ok(());
                }
                Verdict::Goes => break services,
                // ECS may still be at it.
                Verdict::GoesOnceSettled if patience.waited() < SETTLING => patience.wait().await,
                // Those of a stack that is long gone may be another's by now.
                Verdict::GoesOnceSettled if !destroyed.existed => {
                    let why = "something is registered in it, and the stack has been gone before".to_owned();
                    destroyed.left.push(stays(why));
                    return Ok(());
                }
                Verdict::GoesOnceSettled => break services,
            }
        };
        if let Some(other) = self.claimant(&found.name).await? {
            destroyed.left.push(stays(format!("stack `{other}` names it too")));
            return Ok(());
        }
        for service in &services {
            self.remove_service(service, destroyed, observer).await?;
        }
        self.delete_namespace(found).await?;
        let removed = format!("namespace `{}`, which Service Connect had created", found.name);
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
        let removed = format!(
            "Cloud Map service `{}`, which Service Connect had created",
            service.name
        );
        observer.note(&format!("removed {removed}"));
        destroyed.removed.push(removed);
        Ok(())
    }
}
