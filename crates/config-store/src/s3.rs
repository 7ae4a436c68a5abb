//! A bucket of S3 as storage.
//!
//! S3 shows an object as a whole or not at all, and what was written is in the next list ("Amazon S3 data consistency
//! model", read 2026-12-01), so several replicas may write to one prefix.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_types::SdkConfig;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::runtime::Runtime;

use crate::location::BucketPrefix;
use crate::storage::{MAX_OBJECT, Object, Storage, StorageError};

/// Concurrent calls.
const CONCURRENCY: usize = 32;

/// An object that was there is not looked for again in this time: less than a resource is kept without a manifest.
const KNOWN: Duration = Duration::from_secs(600);

/// After a call without an answer, lists fail at once for this time: callers wait for each of them.
const PAUSE: Duration = Duration::from_secs(5);

/// A prefix of an S3 bucket.
///
/// Its calls block their thread, also that of an async runtime: they run on a thread of their own.
#[derive(Debug)]
pub struct Bucket {
    client: Client,
    place: BucketPrefix,
    known: Mutex<HashMap<String, Instant>>,
    /// Since when S3 does not answer, and the reason.
    unreachable: Mutex<Option<(Instant, String)>>,
    /// Always there, except while it is dropped.
    runtime: Option<Runtime>,
}

impl Bucket {
    /// A bucket with the region, credentials, endpoint and HTTP client of `config`. The HTTP client and the credentials must
    /// be used by this bucket only: a connection belongs to the runtime that opened it, which may be waiting for this
    /// bucket. A call takes 5 s at most.
    ///
    /// # Errors
    ///
    /// If its thread cannot be started.
    pub fn new(config: &SdkConfig, place: BucketPrefix) -> std::io::Result<Self> {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .operation_attempt_timeout(Duration::from_secs(3))
            .operation_timeout(Duration::from_secs(5))
            .build();
        // An endpoint of one's own, such as an emulator's, has no host name per bucket.
        let has_endpoint = config.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
        let config = aws_sdk_s3::config::Builder::from(config)
            .timeout_config(timeouts)
            .force_path_style(has_endpoint);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("config-store-s3")
            .enable_all()
            .build()?;
        Ok(Self {
            client: Client::from_conf(config.build()),
            place,
            known: Mutex::default(),
            unreachable: Mutex::default(),
            runtime: Some(runtime),
        })
    }

    /// Runs calls on the thread of this bucket, and waits for their end.
    fn wait<T: Send + 'static>(&self, calls: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.runtime.as_ref()?.spawn(async move { sender.send(calls.await) });
        receiver.recv().ok()
    }

    fn error(&self, action: &'static str, key: &str, failed: Failed) -> StorageError {
        let mut unreachable = lock(&self.unreachable);
        *unreachable = failed
            .is_without_answer
            .then(|| (Instant::now(), failed.reason.clone()));
        StorageError::new(action, self.location(key), failed.reason)
    }

    fn is_known(&self, key: &str) -> bool {
        lock(&self.known).get(key).is_some_and(|since| since.elapsed() < KNOWN)
    }
}

impl Storage for Bucket {
    fn list(&self, folder: &str) -> Result<Vec<Object>, StorageError> {
        let recently = lock(&self.unreachable).clone().filter(|(at, _)| at.elapsed() < PAUSE);
        if let Some((_, reason)) = recently {
            return Err(StorageError::new("list", self.location(folder), reason));
        }
        let prefix = format!("{}/", self.place.key(folder));
        let root = self.place.key("");
        let pages = self.client.list_objects_v2().bucket(self.place.bucket()).prefix(prefix);
        let mut pages = pages.into_paginator().send();
        let listed = self.wait(async move {
            let mut objects = Vec::new();
            while let Some(page) = pages.next().await {
                for object in page.map_err(Failed::of)?.contents.unwrap_or_default() {
                    let seconds = object.last_modified.map_or(0, |at| at.secs());
                    objects.push(Object {
                        key: object.key.unwrap_or_default()[root.len()..].to_owned(),
                        modified: at(seconds),
                    });
                }
            }
            Ok(objects)
        });
        let objects = listed.unwrap_or_else(|| Err(Failed::ended()));
        objects.map_err(|failed| self.error("list", folder, failed))
    }

    fn read(&self, keys: &[String]) -> Vec<Result<Vec<u8>, StorageError>> {
        let gets: Vec<_> = keys
            .iter()
            .map(|key| {
                self.client
                    .get_object()
                    .bucket(self.place.bucket())
                    .key(self.place.key(key))
            })
            .collect();
        let calls = stream::iter(gets).map(|get| async move {
            let object = get.send().await.map_err(Failed::of)?;
            let size = u64::try_from(object.content_length.unwrap_or_default()).unwrap_or_default();
            if size > MAX_OBJECT {
                return Err(Failed::answered(format!(
                    "it has {size} bytes; allowed are {MAX_OBJECT}"
                )));
            }
            let bytes = object
                .body
                .collect()
                .await
                .map_err(|error| Failed::without_answer(&error))?;
            Ok(bytes.to_vec())
        });
        let read: Option<Vec<_>> = self.wait(calls.buffered(CONCURRENCY).collect());
        let read = read.unwrap_or_else(|| keys.iter().map(|_| Err(Failed::ended())).collect());
        let read = keys.iter().zip(read);
        read.map(|(key, bytes)| bytes.map_err(|failed| self.error("read", key, failed)))
            .collect()
    }

    fn write(&self, key: &str, bytes: &[u8]) -> Result<(), StorageError> {
        let put = self
            .client
            .put_object()
            .bucket(self.place.bucket())
            .key(self.place.key(key));
        let put = put.body(ByteStream::from(bytes.to_vec()));
        let put = self.wait(async move { put.send().await.map(drop).map_err(Failed::of) });
        let put = put.unwrap_or_else(|| Err(Failed::ended()));
        put.map_err(|failed| self.error("write", key, failed))
    }

    fn write_missing(&self, objects: &[(String, &[u8])]) -> Result<(), StorageError> {
        lock(&self.known).retain(|_, since| since.elapsed() < KNOWN);
        let unknown = objects.iter().filter(|(key, _)| !self.is_known(key));
        let calls: Vec<_> = unknown
            .map(|(key, bytes)| {
                let bucket = self.place.bucket();
                let head = self.client.head_object().bucket(bucket).key(self.place.key(key));
                let put = self.client.put_object().bucket(bucket).key(self.place.key(key));
                (
                    key.clone(),
                    head,
                    put.body(ByteStream::from(bytes.to_vec())),
                    bytes.len(),
                )
            })
            .collect();
        let calls = stream::iter(calls).map(|(key, head, put, size)| async move {
            let size = i64::try_from(size).unwrap_or(i64::MAX);
            // Without `s3:ListBucket`, S3 answers with 403 for an object that is not there: it is written in any case.
            let is_there = head
                .send()
                .await
                .is_ok_and(|object| object.content_length == Some(size));
            if !is_there && let Err(error) = put.send().await {
                return Err((key, Failed::of(error)));
            }
            Ok(key)
        });
        let written: Option<Result<Vec<String>, _>> = self.wait(calls.buffer_unordered(CONCURRENCY).try_collect());
        let written = written.unwrap_or_else(|| Err(("resources".to_owned(), Failed::ended())));
        let written = written.map_err(|(key, failed)| self.error("write", &key, failed))?;
        let now = Instant::now();
        lock(&self.known).extend(written.into_iter().map(|key| (key, now)));
        Ok(())
    }

    fn remove(&self, key: &str) -> Result<(), StorageError> {
        lock(&self.known).remove(key);
        let deletion = self
            .client
            .delete_object()
            .bucket(self.place.bucket())
            .key(self.place.key(key));
        let deleted = self.wait(async move { deletion.send().await.map(drop).map_err(Failed::of) });
        let deleted = deleted.unwrap_or_else(|| Err(Failed::ended()));
        deleted.map_err(|failed| self.error("remove", key, failed))
    }

    fn location(&self, key: &str) -> String {
        format!("s3://{}/{}", self.place.bucket(), self.place.key(key))
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        // Waiting for its thread would block an async runtime, which panics.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A call that failed.
struct Failed {
    reason: String,
    is_without_answer: bool,
}

impl Failed {
    fn of<E: ProvideErrorMetadata + Error + 'static, R: std::fmt::Debug + 'static>(error: SdkError<E, R>) -> Self {
        let SdkError::ServiceError(context) = &error else {
            return Self::without_answer(&error);
        };
        let error = context.err();
        let code = error.code().unwrap_or("an error without a code");
        Self::answered(match error.message() {
            Some(message) => format!("S3 answered {code}: {message}"),
            None => format!("S3 answered {code}"),
        })
    }

    fn answered(reason: String) -> Self {
        Self {
            reason,
            is_without_answer: false,
        }
    }

    /// The error with its causes, which repeat each other at times.
    fn without_answer(error: &(dyn Error + 'static)) -> Self {
        let mut reason = error.to_string();
        let causes = std::iter::successors(error.source(), |error: &&(dyn Error + 'static)| (*error).source());
        for cause in causes.map(ToString::to_string) {
            if !reason.contains(&cause) {
                reason = format!("{reason}: {cause}");
            }
        }
        Self {
            reason,
            is_without_answer: true,
        }
    }

    fn ended() -> Self {
        Self::answered("the thread of its calls ended".to_owned())
    }
}

fn at(seconds: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
