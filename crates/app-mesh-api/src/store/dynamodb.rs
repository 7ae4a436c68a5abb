//! A store in a DynamoDB table, for several replicas.
//!
//! # Items
//!
//! | `pk` | `sk` | attributes |
//! |---|---|---|
//! | `meta` | `revision` | `format`, `revision` |
//! | `record` | path of the resource | `record`: its JSON |
//! | `log` | revision, 20 digits | `commit`: unique id; `paths`: resources that it changed; `expires`: for TTL, one week later |
//!
//! A commit is one `TransactWriteItems` on condition that `revision` is the one that the replica has read: of two
//! replicas that write at once, one is rejected, reads what changed, and computes its change again. No update is lost, and
//! none is stored in part. Before a replica rejects a write, it reads `revision`, too: what it has may be too old.
//!
//! # Time until other replicas see a change
//!
//! Each replica reads the item `revision`, strongly consistent, every [`POLL_INTERVAL`], and every [`ACTIVE_INTERVAL`] for
//! [`ACTIVE_TIME`] after a change that it has seen: 1 read request unit each. If the revision differs, it reads the log
//! and the changed records. A replica that writes, or rejects a write, sees all earlier changes at once. Without DynamoDB, replicas continue
//! with what they have, and poll less and less, up to every [`MAX_INTERVAL`].
//!
//! # Table
//!
//! ```text
//! aws dynamodb create-table --table-name meshwright --billing-mode PAY_PER_REQUEST \
//!     --attribute-definitions AttributeName=pk,AttributeType=S AttributeName=sk,AttributeType=S \
//!     --key-schema AttributeName=pk,KeyType=HASH AttributeName=sk,KeyType=RANGE
//! aws dynamodb update-time-to-live --table-name meshwright \
//!     --time-to-live-specification Enabled=true,AttributeName=expires
//! ```
//!
//! The role needs `dynamodb:GetItem`, `BatchGetItem`, `Query`, `PutItem`, `UpdateItem` and `DeleteItem` on the table.
//! Transactions are authorised by the permissions of their parts.

mod error;
mod items;
mod poll;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, KeysAndAttributes, Put, TransactWriteItem, Update};
use mesh_model::app_mesh::ResourcePath;
use tokio::time::Instant;
use uuid::Uuid;

use self::error::{classify, failed};
use self::items::{FORMAT, Item, Key};
pub use self::poll::{ACTIVE_INTERVAL, ACTIVE_TIME, MAX_INTERVAL, POLL_INTERVAL};
use self::poll::{Poll, PollSchedule};
use super::{CommitError, Delta, Loaded, Store, StoreError};
use crate::registry::{Change, Record};

/// A transaction has up to 100 actions; two are for the revision and the log.
const MAX_CHANGES: usize = 98;
/// A transaction has up to 4 MB, and an entry of the log with the longest paths some 300 kB (Amazon DynamoDB Developer Guide,
/// "Quotas in Amazon DynamoDB", read 2026-12-01).
const MAX_COMMIT_BYTES: usize = 3_500_000;
/// Keys of one `BatchGetItem`.
const BATCH: usize = 100;
/// Rounds of reading before a store that changes all the time is reported as busy.
const MAX_ROUNDS: usize = 20;
/// How long entries of the log are kept at least.
const LOG_AGE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Rounds of one `BatchGetItem`, for keys that DynamoDB leaves out when it is busy.
const MAX_BATCH_ROUNDS: usize = 8;

/// A store in a DynamoDB table.
///
/// Timeouts and retries are those of the client. A transaction is retried by the SDK with the same token, so that it is
/// applied once.
#[derive(Debug)]
pub struct DynamoDbStore {
    client: Client,
    table: String,
    schedule: Mutex<PollSchedule>,
}

impl DynamoDbStore {
    /// The store in this table, with region, credentials, endpoints and HTTP client of `config`, and time limits: 3 s for an
    /// attempt, 10 s for a call.
    #[must_use]
    pub fn from_config(config: &aws_types::SdkConfig, table: impl Into<String>) -> Self {
        let config = aws_sdk_dynamodb::config::Builder::from(config).timeout_config(crate::aws::timeouts());
        Self::new(Client::from_conf(config.build()), table)
    }

    /// The store in this table. The table is read at the first use.
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
            schedule: Mutex::default(),
        }
    }

    /// The store in words, the same for all replicas: the place of a claim.
    #[must_use]
    pub fn place(&self) -> String {
        format!("the DynamoDB table {}", self.table)
    }

    /// The current revision; 0 for an empty table.
    async fn revision(&self) -> Result<u64, StoreError> {
        match self.item(Key::Revision).await? {
            Some(item) => Item::new(&item, &self.table).revision(),
            None => Ok(0),
        }
    }

    async fn item(&self, key: Key<'_>) -> Result<Option<HashMap<String, AttributeValue>>, StoreError> {
        let response = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failed(&self.table, "read", error))?;
        Ok(response.item)
    }

    /// True if this commit made this revision: its response was lost, and it was rejected when it was sent again.
    async fn was_stored(&self, revision: u64, commit: &str) -> Result<bool, StoreError> {
        match self.item(Key::Log(revision)).await? {
            Some(entry) => Ok(Item::new(&entry, &self.table).commit()? == commit),
            None => Ok(false),
        }
    }

    /// All items of a partition whose sort keys are in a range.
    async fn query(
        &self,
        partition: &str,
        range: Option<(String, String)>,
    ) -> Result<Vec<HashMap<String, AttributeValue>>, StoreError> {
        let condition = match range {
            Some(_) => "pk = :pk AND sk BETWEEN :from AND :to",
            None => "pk = :pk",
        };
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression(condition)
            .expression_attribute_values(":pk", AttributeValue::S(partition.to_owned()));
        if let Some((from, to)) = range {
            query = query
                .expression_attribute_values(":from", AttributeValue::S(from))
                .expression_attribute_values(":to", AttributeValue::S(to));
        }
        let mut items = Vec::new();
        let mut pages = query.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failed(&self.table, "read", error))?;
            items.extend(page.items.into_iter().flatten());
        }
        Ok(items)
    }

    /// The resources that were changed after one revision and up to another. `None` if the log does not go back so far.
    async fn changed_paths(&self, after: u64, to: u64) -> Result<Option<BTreeSet<ResourcePath>>, StoreError> {
        let range = (items::log_key(after + 1), items::log_key(to));
        let entries = self.query(items::LOG, Some(range)).await?;
        if entries.len() as u64 != to - after {
            return Ok(None);
        }
        let mut paths = BTreeSet::new();
        for entry in &entries {
            paths.extend(Item::new(entry, &self.table).paths()?);
        }
        Ok(Some(paths))
    }

    /// These records as they are now.
    async fn records(&self, paths: &BTreeSet<ResourcePath>) -> Result<Vec<(ResourcePath, Option<Record>)>, StoreError> {
        let mut found: BTreeMap<ResourcePath, Option<Record>> = paths.iter().map(|path| (path.clone(), None)).collect();
        let paths: Vec<&ResourcePath> = paths.iter().collect();
        for batch in paths.chunks(BATCH) {
            let keys = batch.iter().map(|path| Key::Record(path).attributes()).collect();
            let mut request = Some(
                KeysAndAttributes::builder()
                    .set_keys(Some(keys))
                    .consistent_read(true)
                    .build()
                    .map_err(|error| StoreError::new("cannot build a BatchGetItem request").with_source(error))?,
            );
            let mut rounds = 0;
            while let Some(keys) = request.take() {
                if rounds == MAX_BATCH_ROUNDS {
                    let message = format!("the DynamoDB table {} is overloaded: it leaves out items", self.table);
                    return Err(StoreError::new(message));
                }
                if rounds > 0 {
                    tokio::time::sleep(poll::backoff(rounds)).await;
                }
                rounds += 1;
                let response = self
                    .client
                    .batch_get_item()
                    .request_items(&self.table, keys)
                    .send()
                    .await
                    .map_err(|error| failed(&self.table, "read records of", error))?;
                for item in response.responses.into_iter().flatten().flat_map(|(_, items)| items) {
                    let record = Item::new(&item, &self.table).record()?;
                    found.insert(record.path.clone(), Some(record));
                }
                request = response.unprocessed_keys.and_then(|mut keys| keys.remove(&self.table));
            }
        }
        Ok(found.into_iter().collect())
    }

    /// Reads what changed after a revision until nothing changes meanwhile, so that the result is of one revision.
    async fn catch_up(&self, revision: u64) -> Result<Option<Delta>, StoreError> {
        let mut at = revision;
        let mut records = BTreeMap::new();
        for _ in 0..MAX_ROUNDS {
            let current = self.revision().await?;
            if current == at {
                let records = records.into_iter().collect();
                return Ok(Some(Delta { revision: at, records }));
            }
            if current < at {
                // The table was replaced, or restored from a backup.
                return Ok(None);
            }
            let Some(paths) = self.changed_paths(at, current).await? else {
                return Ok(None);
            };
            records.extend(self.records(&paths).await?);
            at = current;
        }
        let table = &self.table;
        Err(StoreError::new(format!(
            "the DynamoDB table {table} changes faster than it can be read"
        )))
    }

    fn schedule(&self) -> std::sync::MutexGuard<'_, PollSchedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn actions(&self, expected: u64, commit: &str, changes: &[Change]) -> Result<Vec<TransactWriteItem>, StoreError> {
        let build_error = |error| StoreError::new("cannot build a DynamoDB transaction").with_source(error);
        let number = |number: u64| AttributeValue::N(number.to_string());
        let condition = match expected {
            0 => "attribute_not_exists(pk)",
            _ => "revision = :expected",
        };
        let mut revision = Update::builder()
            .table_name(&self.table)
            .set_key(Some(Key::Revision.attributes()))
            .update_expression("SET revision = :next, #format = :format")
            .expression_attribute_names("#format", "format")
            .expression_attribute_values(":next", number(expected + 1))
            .expression_attribute_values(":format", number(FORMAT))
            .condition_expression(condition);
        if expected > 0 {
            revision = revision.expression_attribute_values(":expected", number(expected));
        }
        let revision = TransactWriteItem::builder().update(revision.build().map_err(build_error)?);
        let log = Put::builder().table_name(&self.table).set_item(Some(items::log_entry(
            expected + 1,
            commit,
            changes,
            SystemTime::now(),
        )));
        let log = TransactWriteItem::builder().put(log.build().map_err(build_error)?);
        let mut actions = vec![revision.build(), log.build()];
        for change in changes {
            let action = TransactWriteItem::builder();
            let action = match &change.after {
                Some(record) => action.put(
                    Put::builder()
                        .table_name(&self.table)
                        .set_item(Some(items::record_item(record)))
                        .build()
                        .map_err(build_error)?,
                ),
                None => action.delete(
                    Delete::builder()
                        .table_name(&self.table)
                        .set_key(Some(Key::Record(&change.path).attributes()))
                        .build()
                        .map_err(build_error)?,
                ),
            };
            actions.push(action.build());
        }
        Ok(actions)
    }
}

#[async_trait]
impl Store for DynamoDbStore {
    async fn load(&self) -> Result<Loaded, StoreError> {
        for _ in 0..MAX_ROUNDS {
            let revision = self.revision().await?;
            let mut records = BTreeMap::new();
            for item in self.query(items::RECORD, None).await? {
                let record = Item::new(&item, &self.table).record()?;
                records.insert(record.path.clone(), record);
            }
            // Changes since the first request are partly in the records.
            let Some(delta) = self.catch_up(revision).await? else {
                continue;
            };
            for (path, record) in delta.records {
                match record {
                    Some(record) => drop(records.insert(path, record)),
                    None => drop(records.remove(&path)),
                }
            }
            return Ok(Loaded {
                revision: delta.revision,
                records: records.into_values().collect(),
            });
        }
        let table = &self.table;
        Err(StoreError::new(format!(
            "the DynamoDB table {table} changes faster than it can be read"
        )))
    }

    async fn changes_since(&self, revision: u64) -> Result<Option<Delta>, StoreError> {
        self.catch_up(revision).await
    }

    async fn commit(&self, expected: u64, changes: &[Change]) -> Result<u64, CommitError> {
        let id = Uuid::new_v4().to_string();
        let actions = self.actions(expected, &id, changes)?;
        let client = self.client.clone();
        // In a task of its own: a transaction that was sent may be stored although the caller stops waiting.
        let send = async move {
            client
                .transact_write_items()
                .set_transact_items(Some(actions))
                .send()
                .await
        };
        let sent = tokio::spawn(send)
            .await
            .map_err(|error| StoreError::new("the task of a DynamoDB transaction ended early").with_source(error))?;
        let next = expected + 1;
        if let Err(error) = sent {
            let error = classify(&self.table, error);
            // If that cannot be found out, the first error is the one to report.
            if !self.was_stored(next, &id).await.unwrap_or(false) {
                if matches!(error, CommitError::Conflict) {
                    // Other replicas write at this moment: not all of them again at the same one.
                    tokio::time::sleep(poll::backoff(0)).await;
                }
                return Err(error);
            }
        }
        self.schedule().change_seen(Instant::now());
        Ok(next)
    }

    async fn changed(&self, revision: u64) {
        loop {
            let next = self.schedule().next_poll();
            tokio::time::sleep_until(next).await;
            let current = self.revision().await;
            let now = Instant::now();
            let mut schedule = self.schedule();
            match current {
                Ok(current) if current != revision => {
                    schedule.record(now, Poll::Changed);
                    return;
                }
                Ok(_) => {
                    if schedule.record(now, Poll::Unchanged) {
                        tracing::info!("the DynamoDB table {} can be read again", self.table);
                    }
                }
                Err(error) => {
                    if schedule.record(now, Poll::Failed) {
                        tracing::warn!("{error}; continuing with the resources as they were");
                    }
                }
            }
        }
    }

    async fn is_current(&self, revision: u64) -> Result<bool, StoreError> {
        Ok(self.revision().await? == revision)
    }

    fn max_changes(&self) -> usize {
        MAX_CHANGES
    }

    fn max_commit_bytes(&self) -> usize {
        MAX_COMMIT_BYTES
    }
}
