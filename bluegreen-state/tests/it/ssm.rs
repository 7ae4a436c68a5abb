//! The store in Parameter Store, against two servers that stand in for AWS.

/// Runs each test against each server.
macro_rules! on_each_server {
    ($($test:ident),* $(,)?) => {
        mod ministack {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                super::$test(crate::ssm::Place::on(crate::ssm::server::Kind::MiniStack)).await;
            })*
        }
        mod moto {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                super::$test(crate::ssm::Place::on(crate::ssm::server::Kind::Moto)).await;
            })*
        }
    };
}

mod client;
mod contending;
mod saving;
mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bluegreen_state::aws_sdk_ssm::Client;
use bluegreen_state::aws_sdk_ssm::operation::get_parameter::GetParameterError;
use bluegreen_state::aws_sdk_ssm::types::ParameterType;
use bluegreen_state::{Deployment, Event, Revision, SsmStore, Timestamp};

use client::{LocalReply, client};
use server::{Kind, server};
use testkit::Server;

const NOW: Timestamp = Timestamp::from_millis(0);

/// A parameter of one test's own.
struct Place {
    server: Arc<Server>,
    name: String,
}

impl Place {
    fn on(kind: Kind) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::SeqCst);
        Self {
            server: server(kind),
            name: format!("/bluegreen/test-{number}/state"),
        }
    }

    fn store(&self, owner: &str) -> SsmStore {
        self.failing(owner, LocalReply::None)
    }

    fn failing(&self, owner: &str, fault: LocalReply) -> SsmStore {
        SsmStore::new(client(self.server.address(), fault).0, &self.name).with_owner(owner)
    }

    fn client(&self) -> Client {
        client(self.server.address(), LocalReply::None).0
    }

    async fn put(&self, name: &str, text: &str) {
        let put = self.client().put_parameter().name(name).value(text).overwrite(true);
        put.r#type(ParameterType::String).send().await.unwrap();
    }

    async fn put_lock(&self, text: &str) {
        self.put(&format!("{}.lock", self.name), text).await;
    }

    async fn text_of(&self, name: &str) -> Option<String> {
        match self.client().get_parameter().name(name).send().await {
            Ok(found) => found.parameter?.value,
            Err(error) => {
                let missing = error
                    .as_service_error()
                    .is_some_and(GetParameterError::is_parameter_not_found);
                assert!(missing, "{error:?}");
                None
            }
        }
    }

    async fn text(&self) -> Option<String> {
        self.text_of(&self.name).await
    }

    async fn lock(&self) -> Option<String> {
        self.text_of(&format!("{}.lock", self.name)).await
    }
}

fn revision(number: u32) -> Revision {
    Revision::new(number.to_string())
}

fn deploy(version: u32, driver: &str) -> Event<u32> {
    Event::Deploy {
        version,
        strategy: "canary:10%,30s".parse().unwrap(),
        driver: driver.to_owned(),
    }
}

async fn open(store: SsmStore) -> Deployment<u32, SsmStore> {
    Deployment::open(store).await.unwrap().unwrap()
}
