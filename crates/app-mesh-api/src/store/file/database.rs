//! The redb database of a state file: its tables, format and transactions.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use mesh_model::app_mesh::ResourcePath;
use redb::{ReadableDatabase, ReadableTable, TableDefinition, TableError};

use crate::registry::Record;
use crate::settings::Environment;
use crate::store::{Loaded, StoreError};

/// Version of the tables and records below. Another one is not read.
const FORMAT: u64 = 1;
/// Records are kept by the registry, so the cache is for the pages of one commit.
const CACHE_BYTES: usize = 8 << 20;

const META: TableDefinition<'static, &str, u64> = TableDefinition::new("meta");
/// Path of a resource -> its record.
const RECORDS: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("records");

/// `account` and `region` of the records. Files of earlier versions do not have this table.
const ENVIRONMENT: TableDefinition<'static, &str, &str> = TableDefinition::new("environment");

#[derive(Debug)]
pub(super) struct Database {
    database: redb::Database,
}

impl Database {
    /// Creates a database without records.
    pub(super) fn create(path: &Path) -> Result<(), StoreError> {
        let database = builder().create(path).map_err(failed)?;
        write(&database, 0, std::iter::empty())?;
        Ok(())
    }

    /// Opens a database that was verified, and repairs it if the process before was killed.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let database = catching(|| builder().open(path).map_err(failed))?;
        Ok(Self { database })
    }

    /// Verifies all pages and records of a database that is a copy: it may be changed.
    pub(super) fn verify(path: &Path) -> Result<Loaded, StoreError> {
        catching(|| {
            let mut builder = builder();
            builder.set_check_integrity_on_open(true);
            let database = builder.open(path).map_err(failed)?;
            Self { database }.load()
        })
    }

    /// All records.
    pub(super) fn load(&self) -> Result<Loaded, StoreError> {
        let transaction = self.database.begin_read().map_err(failed)?;
        let meta = transaction.open_table(META).map_err(failed)?;
        let format = number(&meta, "format")?;
        if format != FORMAT {
            return Err(StoreError::new(format!(
                "it has format {format}, and this version reads format {FORMAT}"
            )));
        }
        let revision = number(&meta, "revision")?;
        let table = transaction.open_table(RECORDS).map_err(failed)?;
        let mut records = Vec::new();
        for entry in table.iter().map_err(failed)? {
            let (key, value) = entry.map_err(failed)?;
            let key = key.value();
            let path = ResourcePath::from_path(key).ok_or_else(|| {
                StoreError::new(format!("it has a record `{key}`, which is not the path of a resource"))
            })?;
            let record = Record::decode(path, value.value())
                .map_err(|error| StoreError::new(format!("the record `{key}` is not valid: {error}")))?;
            records.push(record);
        }
        Ok(Loaded { revision, records })
    }

    pub(super) fn revision(&self) -> Result<u64, StoreError> {
        let transaction = self.database.begin_read().map_err(failed)?;
        number(&transaction.open_table(META).map_err(failed)?, "revision")
    }

    /// Stores changes durably, and returns the new revision. `None` if the revision is another one.
    pub(super) fn commit(
        &self,
        expected: u64,
        changes: &[(String, Option<Vec<u8>>)],
    ) -> Result<Option<u64>, StoreError> {
        if self.revision()? != expected {
            return Ok(None);
        }
        let revision = expected + 1;
        let changes = changes.iter().map(|(key, value)| (key.as_str(), value.as_deref()));
        write(&self.database, revision, changes)?;
        Ok(Some(revision))
    }

    /// The account and region of the records, if they are known.
    pub(super) fn environment(&self) -> Result<Option<Environment>, StoreError> {
        let transaction = self.database.begin_read().map_err(failed)?;
        let table = match transaction.open_table(ENVIRONMENT) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let text = |key: &str| {
            let value = table.get(key).map_err(failed)?;
            let value = value.map(|value| value.value().to_owned());
            value.ok_or_else(|| StoreError::new(format!("it has no {key}")))
        };
        Ok(Some(Environment {
            account: text("account")?,
            region: text("region")?,
        }))
    }

    /// Stores the account and region of the records, durably.
    pub(super) fn set_environment(&self, environment: &Environment) -> Result<(), StoreError> {
        let transaction = self.database.begin_write().map_err(failed)?;
        {
            let mut table = transaction.open_table(ENVIRONMENT).map_err(failed)?;
            table.insert("account", environment.account.as_str()).map_err(failed)?;
            table.insert("region", environment.region.as_str()).map_err(failed)?;
        }
        transaction.commit().map_err(failed)
    }

    /// Writes a copy of the current content to a new file.
    pub(super) fn copy_to(&self, path: &Path) -> Result<(), StoreError> {
        let Loaded { revision, records } = self.load()?;
        let environment = self.environment()?;
        let copy = builder().create(path).map_err(failed)?;
        let encoded: Vec<(String, Vec<u8>)> = records
            .iter()
            .map(|record| (record.path.to_string(), record.encode()))
            .collect();
        let changes = encoded
            .iter()
            .map(|(key, value)| (key.as_str(), Some(value.as_slice())));
        write(&copy, revision, changes)?;
        match environment {
            Some(environment) => Self { database: copy }.set_environment(&environment),
            None => Ok(()),
        }
    }
}

fn builder() -> redb::Builder {
    let mut builder = redb::Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

/// One transaction. It is durable when this returns.
fn write<'c>(
    database: &redb::Database,
    revision: u64,
    changes: impl Iterator<Item = (&'c str, Option<&'c [u8]>)>,
) -> Result<(), StoreError> {
    let transaction = database.begin_write().map_err(failed)?;
    {
        let mut records = transaction.open_table(RECORDS).map_err(failed)?;
        for (key, value) in changes {
            match value {
                Some(value) => drop(records.insert(key, value).map_err(failed)?),
                None => drop(records.remove(key).map_err(failed)?),
            }
        }
        let mut meta = transaction.open_table(META).map_err(failed)?;
        meta.insert("format", FORMAT).map_err(failed)?;
        meta.insert("revision", revision).map_err(failed)?;
    }
    transaction.commit().map_err(failed)?;
    Ok(())
}

fn number(meta: &impl ReadableTable<&'static str, u64>, key: &str) -> Result<u64, StoreError> {
    let value = meta.get(key).map_err(failed)?;
    value
        .map(|value| value.value())
        .ok_or_else(|| StoreError::new(format!("it has no {key}")))
}

/// redb may panic on a file that something else has changed.
fn catching<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(StoreError::new(text_of(&*panic))))
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "its content is inconsistent".to_owned())
}

fn failed(error: impl Into<redb::Error>) -> StoreError {
    StoreError::new(error.into().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_formats_and_invalid_records_are_rejected_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        Database::create(&path).unwrap();
        assert_eq!(Database::verify(&path).unwrap(), Loaded::default());
        let edit = |table_edit: &dyn Fn(&redb::WriteTransaction)| {
            let database = builder().open(&path).unwrap();
            let transaction = database.begin_write().unwrap();
            table_edit(&transaction);
            transaction.commit().unwrap();
            drop(database);
            Database::verify(&path).unwrap_err().to_string()
        };
        let put = |key: &'static str, value: &'static [u8]| {
            edit(&move |transaction| {
                transaction.open_table(RECORDS).unwrap().insert(key, value).unwrap();
            })
        };
        assert!(put("mesh/demo", b"{}").starts_with("the record `mesh/demo` is not valid: missing field"));
        assert_eq!(
            put("demo", b"{}"),
            "it has a record `demo`, which is not the path of a resource"
        );
        let format = edit(&|transaction| {
            transaction.open_table(META).unwrap().insert("format", 2).unwrap();
        });
        assert_eq!(format, "it has format 2, and this version reads format 1");
    }
}
