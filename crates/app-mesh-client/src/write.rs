//! Writes whole meshes.

use std::collections::BTreeSet;
use std::fmt;

use app_mesh_migrate::Meshes;
use mesh_model::app_mesh::ResourcePath;

use crate::client::{ApiClient, ClientError};
use crate::plan::{Action, Extra, Plan};
use crate::read::{Present, ReadError};

/// What happened to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It did not exist.
    Created,
    /// It had another spec.
    Updated,
    /// It had other tags.
    Tagged,
    /// It was equal.
    Unchanged,
    /// The source does not have it, and it was left alone.
    Kept,
    /// The source does not have it, and it was deleted.
    Deleted,
}

/// The number of changed resources, and of others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Number of created ones.
    pub created: usize,
    /// Number of those with a new spec.
    pub updated: usize,
    /// Number of those with new tags.
    pub tagged: usize,
    /// Number of equal ones.
    pub unchanged: usize,
    /// Number of those that the source does not have.
    pub kept: usize,
    /// Number of deleted ones.
    pub deleted: usize,
}

/// A mesh was not written, or not as a whole. What was reported before was done; another write completes it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The meshes that the server has cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A call failed for another reason than the resources.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The server rejected changes.
    #[error("{}", lines(.0))]
    Rejected(Vec<ClientError>),
}

fn lines(errors: &[ClientError]) -> String {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

impl ApiClient {
    /// Makes the meshes of `source` those of the server: creates what is missing, updates what differs, leaves equal
    /// resources alone. `report` gets each resource once it is done.
    ///
    /// A change that is rejected is tried again after the others, as long as one of them is accepted: with several
    /// listeners, some changes are valid only after others.
    ///
    /// # Errors
    ///
    /// [`WriteError`].
    pub async fn write(
        &self,
        source: &Meshes,
        extra: Extra,
        mut report: impl FnMut(&ResourcePath, Outcome),
    ) -> Result<Summary, WriteError> {
        let names: BTreeSet<&String> = source.resources.keys().map(|path| &path.mesh).collect();
        let names: Vec<String> = names.into_iter().cloned().collect();
        let present = self.read_existing(&names).await?;
        let mut plan = Plan::new(source, &present.meshes, extra);
        let mut summary = Summary::default();
        let mut done = |path: &ResourcePath, outcome| {
            summary.count(outcome);
            report(path, outcome);
        };
        for path in &plan.unchanged {
            done(path, Outcome::Unchanged);
        }
        for path in &plan.kept {
            done(path, Outcome::Kept);
        }
        loop {
            let waiting = std::mem::take(&mut plan.steps);
            let count = waiting.len();
            let mut rejected = Vec::new();
            for (path, action) in waiting {
                match self.apply(&path, &action, &present).await {
                    Ok(outcome) => done(&path, outcome),
                    Err(error) if depends_on_others(&error) => {
                        rejected.push(error);
                        plan.steps.push((path, action));
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            if rejected.is_empty() {
                return Ok(summary);
            }
            if rejected.len() == count {
                return Err(WriteError::Rejected(rejected));
            }
        }
    }

    async fn apply(&self, path: &ResourcePath, action: &Action, present: &Present) -> Result<Outcome, ClientError> {
        match action {
            Action::Create(document) => {
                self.create(path, &document.spec, &document.tags).await?;
                Ok(Outcome::Created)
            }
            Action::Update(spec) => {
                self.update(path, spec).await?;
                Ok(Outcome::Updated)
            }
            Action::ChangeTags { set, removed } => {
                let arn = present.arns.get(path).map(String::as_str).unwrap_or_default();
                self.change_tags(path, arn, set, removed).await?;
                Ok(Outcome::Tagged)
            }
            Action::Delete => {
                self.delete(path).await?;
                Ok(Outcome::Deleted)
            }
        }
    }
}

/// Whether the rejected change may be valid after another one.
fn depends_on_others(error: &ClientError) -> bool {
    matches!(
        error.code(),
        Some("BadRequestException" | "ConflictException" | "NotFoundException" | "ResourceInUseException")
    )
}

impl Summary {
    fn count(&mut self, outcome: Outcome) {
        let number = match outcome {
            Outcome::Created => &mut self.created,
            Outcome::Updated => &mut self.updated,
            Outcome::Tagged => &mut self.tagged,
            Outcome::Unchanged => &mut self.unchanged,
            Outcome::Kept => &mut self.kept,
            Outcome::Deleted => &mut self.deleted,
        };
        *number += 1;
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Tagged => "tagged",
            Self::Unchanged => "unchanged",
            Self::Kept => "kept",
            Self::Deleted => "deleted",
        })
    }
}
