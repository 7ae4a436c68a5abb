//! Creation, update, deletion and tags: from an operation to the change of one resource.

use std::collections::BTreeMap;
use std::sync::Arc;

use mesh_model::app_mesh::{Kind, ResourcePath};
use serde_json::Value;
use uuid::Uuid;

use super::client_token::{ClientToken, Lookup, TokenUse, Verb};
use super::record::{MAX_BYTES, Record, SpecDocument, Stored};
use super::{Change, Registry, ports, references, spec};
use crate::error::{ApiError, ErrorCode};
use crate::operation::{Collection, Operation};
use crate::settings::Settings;

/// Maximum number of a resource's tags.
pub(crate) const MAX_TAGS: usize = 50;

/// A writing operation whose parameters are valid by themselves. [`Registry::apply`] checks it against the resources.
#[derive(Debug, Clone)]
pub struct Write(WriteKind);

#[derive(Debug, Clone)]
enum WriteKind {
    Create {
        path: ResourcePath,
        spec: Arc<SpecDocument>,
        tags: BTreeMap<String, String>,
        token: Option<ClientToken>,
    },
    Update {
        path: ResourcePath,
        spec: Arc<SpecDocument>,
        token: Option<ClientToken>,
    },
    Delete(ResourcePath),
    Tag {
        path: ResourcePath,
        tags: BTreeMap<String, String>,
    },
    Untag {
        path: ResourcePath,
        keys: Vec<String>,
    },
}

/// What a write needs besides the resources.
#[derive(Debug, Clone, Copy)]
pub struct Context<'s> {
    /// Account and quotas.
    pub settings: &'s Settings,
    /// The time, in milliseconds since 1970.
    pub now: u64,
    /// The id of the resource, if the write creates one.
    pub uid: Uuid,
    /// Whether the write must be consistent with the ports of other resources. An import writes all of them.
    pub checks_ports: bool,
}

/// The result of a write.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// The resource in the response: as it is now, or as it was before its deletion.
    pub record: Arc<Record>,
    /// The change. `None` if there is none: a repeated request, tags that are the same.
    pub change: Option<Change>,
}

impl Write {
    /// Reads the parameters of a writing operation. `None` for other operations.
    ///
    /// # Errors
    ///
    /// `BadRequestException` for an invalid spec, or for the creation of a resource with an invalid name.
    pub fn new(operation: Operation) -> Result<Option<Self>, ApiError> {
        let token_of = |token: Option<String>, verb, spec: &Option<Value>, tags: &BTreeMap<String, String>| {
            token.map(|token| ClientToken::new(token, verb, spec.as_ref().unwrap_or(&Value::Null), tags))
        };
        let kind = match operation {
            Operation::Create {
                path,
                spec,
                tags,
                client_token,
            } => {
                path.check_names().map_err(|(kind, invalid)| {
                    let key = crate::response::name_key(kind);
                    ApiError::bad_request(format!("{key}: {invalid}"))
                })?;
                let token = token_of(client_token, Verb::Create, &spec, &tags);
                let spec = spec::read(path.kind, spec)?;
                WriteKind::Create {
                    path,
                    spec,
                    tags,
                    token,
                }
            }
            Operation::Update {
                path,
                spec,
                client_token,
            } => {
                let token = token_of(client_token, Verb::Update, &spec, &BTreeMap::new());
                let spec = spec::read(path.kind, spec)?;
                WriteKind::Update { path, spec, token }
            }
            Operation::Delete(path) => WriteKind::Delete(path),
            Operation::Tag { path, tags } => WriteKind::Tag { path, tags },
            Operation::Untag { path, keys } => WriteKind::Untag { path, keys },
            Operation::Describe(_) | Operation::List { .. } | Operation::ListTags { .. } => return Ok(None),
        };
        Ok(Some(Self(kind)))
    }

    /// The size of its spec. 0 without one.
    pub(crate) fn spec_bytes(&self) -> usize {
        match &self.0 {
            WriteKind::Create { spec, .. } | WriteKind::Update { spec, .. } => spec.json().len(),
            WriteKind::Delete(_) | WriteKind::Tag { .. } | WriteKind::Untag { .. } => 0,
        }
    }

    /// True if it would give this resource the spec that it has.
    pub(crate) fn has_spec_of(&self, record: &Record) -> bool {
        match &self.0 {
            WriteKind::Create { spec, .. } | WriteKind::Update { spec, .. } => {
                let parse = |json| serde_json::from_str::<Value>(json).ok();
                spec.json() == record.spec_json() || parse(spec.json()) == parse(record.spec_json())
            }
            WriteKind::Delete(_) | WriteKind::Tag { .. } | WriteKind::Untag { .. } => false,
        }
    }
}

impl Registry {
    /// What a write changes.
    ///
    /// # Errors
    ///
    /// App Mesh's exceptions for it: `NotFoundException`, `ConflictException`, `LimitExceededException`,
    /// `ResourceInUseException`, `TooManyTagsException`, `BadRequestException`: also for a resource that would be larger than
    /// a store takes.
    pub fn apply(&self, write: &Write, context: Context<'_>) -> Result<Applied, ApiError> {
        match &write.0 {
            WriteKind::Create {
                path,
                spec,
                tags,
                token,
            } => self.create(path, spec, tags, token.as_ref(), context),
            WriteKind::Update { path, spec, token } => self.update(path, spec, token.as_ref(), context),
            WriteKind::Delete(path) => self.delete(path, context),
            WriteKind::Tag { path, tags } => self.edit_tags(path, context, |all| all.extend(tags.clone())),
            WriteKind::Untag { path, keys } => {
                self.edit_tags(path, context, |all| all.retain(|key, _| !keys.contains(key)))
            }
        }
    }

    fn create(
        &self,
        path: &ResourcePath,
        spec: &Arc<SpecDocument>,
        tags: &BTreeMap<String, String>,
        token: Option<&ClientToken>,
        context: Context<'_>,
    ) -> Result<Applied, ApiError> {
        let Context { settings, now, uid, .. } = context;
        if path.kind != Kind::Mesh {
            self.require_container(path, settings)?;
        }
        if let Some(existing) = self.get(path) {
            return match token.map(|token| token.look_up(&existing.stored.tokens, now)) {
                Some(Lookup::Repeated(used)) => Ok(repeated(existing, spec, Some(tags), used)),
                Some(Lookup::Misused) => Err(misused_token()),
                _ => {
                    let ResourcePath { kind, name, .. } = path;
                    let message = format!("{kind:?} with name {name} already exists");
                    Err(ApiError::new(ErrorCode::Conflict, message))
                }
            };
        }
        self.check_quota(path, settings)?;
        if context.checks_ports {
            ports::check(self, path, spec)?;
        }
        let mut tokens = Vec::new();
        if let Some(token) = token {
            token.clone().remember(&mut tokens, 1, now);
        }
        let record = Record {
            path: path.clone(),
            stored: Stored {
                uid,
                version: 1,
                created_at: now,
                last_updated_at: now,
                mesh_owner: settings.account.clone(),
                resource_owner: settings.account.clone(),
                spec: Arc::clone(spec),
                tags: tags.clone(),
                tokens,
            },
        };
        changed(None, record)
    }

    fn update(
        &self,
        path: &ResourcePath,
        spec: &Arc<SpecDocument>,
        token: Option<&ClientToken>,
        context: Context<'_>,
    ) -> Result<Applied, ApiError> {
        let Context { settings, now, .. } = context;
        let existing = self.require(path, settings)?;
        match token.map(|token| token.look_up(&existing.stored.tokens, now)) {
            Some(Lookup::Repeated(used)) => return Ok(repeated(existing, spec, None, used)),
            Some(Lookup::Misused) => return Err(misused_token()),
            Some(Lookup::New) | None => {}
        }
        if context.checks_ports {
            ports::check(self, path, spec)?;
        }
        let mut record = Record::clone(existing);
        record.stored.version += 1;
        // A clock that was set back does not let a resource become older.
        record.stored.last_updated_at = now.max(existing.stored.last_updated_at);
        record.stored.spec = Arc::clone(spec);
        if let Some(token) = token {
            let version = record.stored.version;
            token.clone().remember(&mut record.stored.tokens, version, now);
        }
        changed(Some(existing), record)
    }

    fn delete(&self, path: &ResourcePath, context: Context<'_>) -> Result<Applied, ApiError> {
        let existing = self.require(path, context.settings)?;
        references::check_deletion(self, path, context.settings)?;
        Ok(Applied {
            record: Arc::clone(existing),
            change: Some(Change {
                path: path.clone(),
                before: Some(Arc::clone(existing)),
                after: None,
            }),
        })
    }

    /// Tags are not part of the version.
    fn edit_tags(
        &self,
        path: &ResourcePath,
        context: Context<'_>,
        edit: impl FnOnce(&mut BTreeMap<String, String>),
    ) -> Result<Applied, ApiError> {
        let existing = self.require(path, context.settings)?;
        let mut record = Record::clone(existing);
        edit(&mut record.stored.tags);
        let count = record.stored.tags.len();
        if count > MAX_TAGS {
            return Err(too_many_tags(count));
        }
        if record.stored.tags == existing.stored.tags {
            return Ok(Applied {
                record: Arc::clone(existing),
                change: None,
            });
        }
        changed(Some(existing), record)
    }

    fn check_quota(&self, path: &ResourcePath, settings: &Settings) -> Result<(), ApiError> {
        let quota = settings.quotas.of(path.kind);
        if quota == usize::MAX {
            return Ok(());
        }
        let collection = Collection {
            kind: path.kind,
            mesh: (path.kind != Kind::Mesh).then(|| path.mesh.clone()),
            parent: path.parent.clone(),
        };
        if self.after(&collection, "").take(quota).count() < quota {
            return Ok(());
        }
        let kind = path.kind;
        let container = match (&path.parent, kind) {
            (_, Kind::Mesh) => format!("account {}", settings.account),
            (Some(parent), Kind::Route) => format!("VirtualRouter {parent}"),
            (Some(parent), _) => format!("VirtualGateway {parent}"),
            (None, _) => format!("Mesh {}", path.mesh),
        };
        let message = format!("{container} has reached its quota of {quota} resources of the type {kind:?}");
        Err(ApiError::new(ErrorCode::LimitExceeded, message))
    }
}

pub(crate) fn too_many_tags(count: usize) -> ApiError {
    let message = format!("the resource would have {count} tags; allowed are {MAX_TAGS}");
    ApiError::new(ErrorCode::TooManyTags, message)
}

fn misused_token() -> ApiError {
    ApiError::new(
        ErrorCode::Conflict,
        "the client token was used for a previous request with different specifications; send a new one",
    )
}

fn changed(before: Option<&Arc<Record>>, record: Record) -> Result<Applied, ApiError> {
    let length = record.encode().len();
    if length > MAX_BYTES {
        let key = crate::response::name_key(record.path.kind);
        let name = &record.path.name;
        return Err(ApiError::bad_request(format!(
            "{key}: the resource {name} would have {length} bytes, with its spec and tags; allowed are {MAX_BYTES}"
        )));
    }
    let path = record.path.clone();
    let record = Arc::new(record);
    Ok(Applied {
        record: Arc::clone(&record),
        change: Some(Change {
            path,
            before: before.cloned(),
            after: Some(record),
        }),
    })
}

/// The response to the first of equal requests: the resource as it was after it. Its spec is that of the request.
fn repeated(
    existing: &Arc<Record>,
    spec: &Arc<SpecDocument>,
    tags: Option<&BTreeMap<String, String>>,
    used: &TokenUse,
) -> Applied {
    let mut record = Record::clone(existing);
    record.stored.spec = Arc::clone(spec);
    record.stored.version = used.version;
    record.stored.last_updated_at = used.at;
    if let Some(tags) = tags {
        record.stored.tags.clone_from(tags);
    }
    Applied {
        record: Arc::new(record),
        change: None,
    }
}
