//! Readiness, and the status of each source.

use std::time::Instant;

use super::State;
use crate::discovery::RequiredServices;
use mesh_control::SourceStatus;
use mesh_model::app_mesh::Topology;
use mesh_model::app_mesh::resource_path::REVISION_PREFIX;

impl State {
    /// Whether every mesh is served.
    ///
    /// # Errors
    ///
    /// The meshes that are not, with the reasons.
    pub(crate) fn is_ready(&self) -> Result<(), String> {
        let missing = self.meshes.iter().filter(|(_, mesh)| mesh.served.is_none());
        let mut reasons: Vec<String> = missing
            .map(|(name, mesh)| {
                let reason = match (mesh.line.error(), &mesh.next) {
                    (Some(error), _) => error.to_owned(),
                    (None, None) => "its parameters are not read yet".to_owned(),
                    (None, Some(next)) => self.reason_to_wait(&next.topology),
                };
                format!("mesh {name} is not known yet: {reason}")
            })
            .collect();
        if self.has_api && self.api_meshes.is_none() {
            reasons.push("the meshes of App Mesh's API are not read yet".to_owned());
        }
        reasons.extend(
            self.missing_api_meshes()
                .map(|(name, mesh)| format!("mesh {name} is not known yet: {}", self.reason_to_wait(mesh))),
        );
        if reasons.is_empty() {
            Ok(())
        } else {
            Err(reasons.join("\n"))
        }
    }

    /// Why a mesh waits for Cloud Map.
    fn reason_to_wait(&self, mesh: &Topology) -> String {
        let required = RequiredServices::of(std::iter::once(mesh));
        let mut namespaces = required.all().into_iter().map(|service| &service.namespace);
        let error = namespaces.find_map(|namespace| self.namespaces.error(namespace));
        error.or(self.cloud_map.error()).map_or_else(
            || "Cloud Map has not returned its endpoints yet".to_owned(),
            |error| format!("Cloud Map has not returned its endpoints: {error}"),
        )
    }

    /// The status of each source.
    pub(crate) fn sources(&self, now: Instant) -> Vec<SourceStatus> {
        let mut sources = Vec::new();
        for (name, mesh) in &self.meshes {
            let latest = mesh.next.as_ref().or(mesh.served.as_ref());
            let mut notes: Vec<String> = latest.map(|view| view.damaged.clone()).unwrap_or_default();
            if let (Some(served), Some(_)) = (&mesh.served, mesh.line.error()) {
                notes.insert(
                    0,
                    format!("the last valid configuration is served, {}", served.config_hash),
                );
            }
            if mesh.served.is_some()
                && let Some(next) = &mesh.next
            {
                let config_hash = &next.config_hash;
                notes.insert(
                    0,
                    format!("configuration {config_hash} waits for the first response of Cloud Map about its services"),
                );
            }
            if mesh.plan.is_denied() {
                notes.push(format!(
                    "revision markers are not readable, so all parameters are read often: allow \
                     ssm:GetParametersByPath on {REVISION_PREFIX}{name} in the role of this task"
                ));
            }
            sources.push(mesh.line.status(format!("parameters of mesh {name}"), notes, now));
        }
        let required = RequiredServices::of(self.topologies());
        let of_services = required.all().into_iter().filter_map(|service| {
            let known = self.services.get(service)?;
            known.note(service, !required.services.contains(service))
        });
        sources.extend(self.namespaces.sources(now));
        let notes = of_services.chain(self.listings.notes(now)).collect();
        sources.push(self.cloud_map.status("Cloud Map".to_owned(), notes, now));
        for (name, line) in &self.published {
            sources.push(line.status(format!("publishing of mesh {name}"), Vec::new(), now));
        }
        sources
    }
}
