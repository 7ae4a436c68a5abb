//! The items of the table, to and from records.

use std::collections::HashMap;
use std::time::SystemTime;

use aws_sdk_dynamodb::types::AttributeValue;
use mesh_model::app_mesh::ResourcePath;

use super::LOG_AGE;
use crate::registry::{Change, Record};
use crate::store::StoreError;

/// Version of the items. Another one is not read.
pub(super) const FORMAT: u64 = 1;

/// Partition keys.
const META: &str = "meta";
pub(super) const RECORD: &str = "record";
pub(super) const LOG: &str = "log";

/// The key of an item.
#[derive(Debug, Clone, Copy)]
pub(super) enum Key<'a> {
    Revision,
    Record(&'a ResourcePath),
    Log(u64),
}

impl Key<'_> {
    pub(super) fn attributes(self) -> HashMap<String, AttributeValue> {
        let (partition, sort) = match self {
            Self::Revision => (META, "revision".to_owned()),
            Self::Record(path) => (RECORD, path.to_string()),
            Self::Log(revision) => (LOG, log_key(revision)),
        };
        let text = |text: String| AttributeValue::S(text);
        HashMap::from([
            ("pk".to_owned(), text(partition.to_owned())),
            ("sk".to_owned(), text(sort)),
        ])
    }
}

/// The sort key of the log: as wide as the largest number, so that texts sort as numbers.
pub(super) fn log_key(revision: u64) -> String {
    format!("{revision:020}")
}

pub(super) fn record_item(record: &Record) -> HashMap<String, AttributeValue> {
    let mut item = Key::Record(&record.path).attributes();
    let json = String::from_utf8_lossy(&record.encode()).into_owned();
    item.insert("record".to_owned(), AttributeValue::S(json));
    item
}

/// `commit` is unique, so that a replica recognises its own commit.
pub(super) fn log_entry(
    revision: u64,
    commit: &str,
    changes: &[Change],
    now: SystemTime,
) -> HashMap<String, AttributeValue> {
    let mut item = Key::Log(revision).attributes();
    item.insert("commit".to_owned(), AttributeValue::S(commit.to_owned()));
    let paths = changes.iter().map(|change| AttributeValue::S(change.path.to_string()));
    item.insert("paths".to_owned(), AttributeValue::L(paths.collect()));
    let expires = (now + LOG_AGE)
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    item.insert("expires".to_owned(), AttributeValue::N(expires.to_string()));
    item
}

/// An item that was read.
pub(super) struct Item<'a> {
    attributes: &'a HashMap<String, AttributeValue>,
    table: &'a str,
}

impl<'a> Item<'a> {
    pub(super) fn new(attributes: &'a HashMap<String, AttributeValue>, table: &'a str) -> Self {
        Self { attributes, table }
    }

    /// Of the item `revision`.
    pub(super) fn revision(&self) -> Result<u64, StoreError> {
        let format = self.number("format")?;
        if format != FORMAT {
            let table = self.table;
            return Err(StoreError::new(format!(
                "the DynamoDB table {table} has format {format}, and this version reads format {FORMAT}"
            )));
        }
        self.number("revision")
    }

    /// Of an item of the log: the commit that wrote it.
    pub(super) fn commit(&self) -> Result<&'a str, StoreError> {
        self.text("commit")
    }

    /// Of an item of the log.
    pub(super) fn paths(&self) -> Result<Vec<ResourcePath>, StoreError> {
        let paths = self.attributes.get("paths").and_then(|value| value.as_l().ok());
        let paths = paths.ok_or_else(|| self.wrong("paths"))?;
        paths
            .iter()
            .map(|path| path.as_s().ok().and_then(|path| ResourcePath::from_path(path)))
            .map(|path| path.ok_or_else(|| self.wrong("paths")))
            .collect()
    }

    /// Of an item of a resource.
    pub(super) fn record(&self) -> Result<Record, StoreError> {
        let path = ResourcePath::from_path(self.text("sk")?).ok_or_else(|| self.wrong("sk"))?;
        Record::decode(path, self.text("record")?.as_bytes()).map_err(|error| self.wrong("record").with_source(error))
    }

    fn text(&self, name: &str) -> Result<&'a str, StoreError> {
        let value = self.attributes.get(name).and_then(|value| value.as_s().ok());
        value.map(String::as_str).ok_or_else(|| self.wrong(name))
    }

    fn number(&self, name: &str) -> Result<u64, StoreError> {
        let value = self.attributes.get(name).and_then(|value| value.as_n().ok());
        value
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| self.wrong(name))
    }

    fn wrong(&self, attribute: &str) -> StoreError {
        let part = |name| {
            self.attributes
                .get(name)
                .and_then(|value| value.as_s().ok())
                .map_or("", String::as_str)
        };
        StoreError::new(format!(
            "the DynamoDB table {} has an item {}/{} whose attribute `{attribute}` is missing or not valid; was the table \
             written by another program?",
            self.table,
            part("pk"),
            part("sk"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use mesh_model::app_mesh::Kind;

    use super::*;

    #[test]
    fn log_keys_sort_as_numbers() {
        assert!(log_key(9) < log_key(10));
        assert_eq!(log_key(u64::MAX).len(), log_key(0).len());
    }

    #[test]
    fn records_and_logs_round_trip() {
        let path = ResourcePath::new("demo", Kind::VirtualNode, "blue");
        let json = br#"{"uid":"936da01f-9abd-4d9d-80c7-02af85c822a8","version":3,"createdAt":1,"lastUpdatedAt":2,"meshOwner":"1","resourceOwner":"1","spec":{}}"#;
        let record = Record::decode(path.clone(), json).unwrap();
        let item = record_item(&record);
        assert_eq!(Item::new(&item, "t").record().unwrap(), record);

        let change = Change {
            path: path.clone(),
            before: None,
            after: None,
        };
        let entry = log_entry(7, "c", &[change], SystemTime::UNIX_EPOCH);
        assert_eq!(Item::new(&entry, "t").commit().unwrap(), "c");
        assert_eq!(Item::new(&entry, "t").paths().unwrap(), [path]);
        assert_eq!(entry["sk"], AttributeValue::S("00000000000000000007".to_owned()));
        assert_eq!(entry["expires"], AttributeValue::N(LOG_AGE.as_secs().to_string()));
    }

    #[test]
    fn foreign_items_are_named() {
        let mut item = Key::Record(&ResourcePath::of_mesh("demo")).attributes();
        item.insert("record".to_owned(), AttributeValue::S("{".to_owned()));
        let message = Item::new(&item, "t").record().unwrap_err().to_string();
        assert!(
            message.contains("record/mesh/demo") && message.contains("`record`"),
            "{message}"
        );

        let number = |number: &str| AttributeValue::N(number.to_owned());
        let item = HashMap::from([("format".to_owned(), number("2")), ("revision".to_owned(), number("5"))]);
        let message = Item::new(&item, "t").revision().unwrap_err().to_string();
        assert!(message.contains("format 2"), "{message}");
    }
}
