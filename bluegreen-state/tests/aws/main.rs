//! Parameter Store, on two AWS emulators.

/// Runs each test on each emulator.
macro_rules! on_each_server {
    ($($test:ident),* $(,)?) => {
        mod ministack {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                super::$test(crate::TestParameter::on(crate::server::Kind::MiniStack)).await;
            })*
        }
        mod moto {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                super::$test(crate::TestParameter::on(crate::server::Kind::Moto)).await;
            })*
        }
    };
}

mod faulty_client;
mod locking;
mod server;
mod single_writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_ssm::Client;
use aws_sdk_ssm::operation::get_parameter::GetParameterError;
use aws_sdk_ssm::types::ParameterType;
use bluegreen_state::{Deployment, Event, Revision, SsmStore, Timestamp};

use faulty_client::{ConnectionFault, client};
use server::{Kind, server};
use testkit::Server;

const NOW: Timestamp = Timestamp::from_millis(0);

/// A parameter for one test.
struct TestParameter {
    server: Arc<Server>,
    name: String,
}

impl TestParameter {
    fn on(kind: Kind) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::SeqCst);
        Self {
            server: server(kind),
            name: format!("/bluegreen/test-{number}/state"),
        }
    }

    fn store(&self, owner: &str) -> SsmStore {
        self.faulty_store(owner, ConnectionFault::None)
    }

    fn faulty_store(&self, owner: &str, fault: ConnectionFault) -> SsmStore {
        SsmStore::new(client(self.server.address(), fault).0, &self.name).with_owner(owner)
    }

    fn client(&self) -> Client {
        client(self.server.address(), ConnectionFault::None).0
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

fn deploy(version: u32, controller: &str) -> Event<u32> {
    Event::Deploy {
        version,
        strategy: "canary:10%,30s".parse().unwrap(),
        controller: controller.to_owned(),
    }
}

async fn open(store: SsmStore) -> Deployment<u32, SsmStore> {
    Deployment::open(store).await.unwrap().unwrap()
}
