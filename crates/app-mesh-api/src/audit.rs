//! The audit log: one JSON line for each change of a resource.
//!
//! ```json
//! {"time":"2026-11-30T22:00:00.25Z","requestId":"6f0c…","caller":"MESHWRITER","sourceAddress":"10.0.1.7:51032","operation":"UpdateRoute","resource":"arn:aws:appmesh:eu-west-1:000000000000:mesh/shop/virtualRouter/web/route/all","oldVersion":3,"newVersion":4}
//! ```
//!
//! Without `oldVersion` it is a creation, without `newVersion` a deletion; changes of tags leave the version as it is.
//! `sourceAddress` is the other end of the connection, which may be a load balancer. A line is written once the change is
//! durable, and before the caller receives the response.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::caller::Origin;
use crate::registry::Change;
use crate::settings::Settings;

/// Where the lines go. Clones share it.
#[derive(Debug, Clone)]
pub struct AuditLog {
    target: Arc<Target>,
}

#[derive(Debug)]
enum Target {
    /// Opened for each write, so that it can be renamed at any time.
    File(PathBuf),
    Stderr,
}

/// One line.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    time: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    caller: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_address: Option<String>,
    operation: &'a str,
    resource: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_version: Option<u64>,
}

impl AuditLog {
    /// Appends to a file, which is created if it does not exist: readable by its owner only. If it is renamed, the next
    /// line goes to a new one.
    ///
    /// # Errors
    ///
    /// If it cannot be opened.
    pub fn file(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        open(&path)?;
        Ok(Self {
            target: Arc::new(Target::File(path)),
        })
    }

    /// Writes to standard error.
    #[must_use]
    pub fn stderr() -> Self {
        Self {
            target: Arc::new(Target::Stderr),
        }
    }

    /// Writes lines. An error is logged: the changes are durable already, and the service goes on.
    pub(crate) async fn write(&self, lines: String) {
        let target = Arc::clone(&self.target);
        let written = tokio::task::spawn_blocking(move || match &*target {
            // At once, so that lines of several processes do not mix.
            Target::File(path) => open(path).and_then(|mut file| file.write_all(lines.as_bytes())),
            Target::Stderr => io::stderr().lock().write_all(lines.as_bytes()),
        });
        let written = written.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        if let Err(error) = written {
            let name = match &*self.target {
                Target::File(path) => path.display().to_string(),
                Target::Stderr => "standard error".to_owned(),
            };
            tracing::error!("cannot write the audit log to {name}, lines are lost: {error}");
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The line of a change, with its line break.
pub(crate) fn line(
    now: OffsetDateTime,
    caller: &str,
    origin: &Origin,
    operation: &str,
    change: &Change,
    settings: &Settings,
) -> String {
    // Only years above 9999 cannot be formatted.
    let time = now.format(&Rfc3339).unwrap_or_default();
    let entry = Entry {
        time: &time,
        request_id: origin.request_id.as_deref(),
        caller,
        source_address: origin.address.map(|address| address.to_string()),
        operation,
        resource: settings.arn(&change.path),
        old_version: change.before.as_ref().map(|record| record.version()),
        new_version: change.after.as_ref().map(|record| record.version()),
    };
    // Texts and numbers cannot fail to serialize.
    let mut line = serde_json::to_string(&entry).unwrap_or_default();
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use mesh_model::app_mesh::ResourcePath;

    use super::*;
    use crate::registry::Record;

    fn change(before: Option<u64>, after: Option<u64>) -> Change {
        let record = |version: u64| {
            let json = format!(
                r#"{{"uid":"936da01f-9abd-4d9d-80c7-02af85c822a8","version":{version},"createdAt":1,"lastUpdatedAt":2,"meshOwner":"1","resourceOwner":"1","spec":{{}}}}"#
            );
            Arc::new(Record::decode(ResourcePath::of_mesh("shop"), json.as_bytes()).unwrap())
        };
        Change {
            path: ResourcePath::of_mesh("shop"),
            before: before.map(record),
            after: after.map(record),
        }
    }

    #[test]
    fn a_line_has_who_what_and_which_versions() {
        let origin = Origin {
            address: Some(([10, 0, 1, 7], 51032).into()),
            request_id: Some("id".to_owned()),
        };
        let settings = Settings::default();
        let line_of = |origin: &Origin, change: &Change| {
            line(
                OffsetDateTime::UNIX_EPOCH,
                "A\"B",
                origin,
                "UpdateMesh",
                change,
                &settings,
            )
        };
        assert_eq!(
            line_of(&origin, &change(Some(1), Some(2))),
            concat!(
                r#"{"time":"1970-01-01T00:00:00Z","requestId":"id","caller":"A\"B","sourceAddress":"10.0.1.7:51032","#,
                r#""operation":"UpdateMesh","resource":"arn:aws:appmesh:us-east-1:000000000000:mesh/shop","#,
                r#""oldVersion":1,"newVersion":2}"#,
                "\n"
            )
        );
        let created = line_of(&Origin::default(), &change(None, Some(1)));
        assert!(
            created.contains(r#""newVersion":1"#) && !created.contains("oldVersion"),
            "{created}"
        );
        let deleted = line_of(&Origin::default(), &change(Some(1), None));
        assert!(
            deleted.contains(r#""oldVersion":1"#) && !deleted.contains("newVersion"),
            "{deleted}"
        );
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_file_is_private_and_can_be_renamed() {
        use std::os::unix::fs::PermissionsExt;

        let dir = tempfile::tempdir().unwrap();
        let (path, renamed) = (dir.path().join("audit"), dir.path().join("audit.1"));
        let log = AuditLog::file(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        log.write("one\n".to_owned()).await;
        std::fs::rename(&path, &renamed).unwrap();
        log.write("two\n".to_owned()).await;
        log.write("three\n".to_owned()).await;
        assert_eq!(std::fs::read_to_string(&renamed).unwrap(), "one\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two\nthree\n");
        assert!(AuditLog::file(dir.path().join("none/audit")).is_err());
    }
}
