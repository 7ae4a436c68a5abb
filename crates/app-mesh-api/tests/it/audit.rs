//! The audit log: one event for each change.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use app_mesh_api::registry::Change;
use app_mesh_api::store::{CommitError, Loaded, StoreError};
use app_mesh_api::{Caller, MemoryStore, Operation, Service, Settings, Store, router};
use async_trait::async_trait;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::Request;
use serde_json::json;
use tower::ServiceExt;

use crate::harness::{create, mesh, update};

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// The lines so far, which are removed.
    fn take(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(|line| line.trim_start().to_owned()).collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A store that reports each commit as failed.
struct Pessimist(MemoryStore);

#[async_trait]
impl Store for Pessimist {
    async fn load(&self) -> Result<Loaded, StoreError> {
        self.0.load().await
    }

    async fn commit(&self, expected: u64, changes: &[Change]) -> Result<u64, CommitError> {
        self.0.commit(expected, changes).await?;
        Err(StoreError::new("the connection was lost").into())
    }
}

#[test]
fn changes_are_in_the_audit_log() {
    testkit::own_process(async || {
        let log = Log::default();
        let writer = log.clone();
        tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .without_time()
            .init();
        let service = Service::open(MemoryStore::new(), Settings::default()).await.unwrap();
        let caller = Caller::unrestricted("AKIDEXAMPLE");
        service.run(&caller, create(mesh(), json!({}))).await.unwrap();
        service.run(&caller, update(mesh(), json!({}))).await.unwrap();
        service.run(&caller, create(mesh(), json!({}))).await.unwrap_err();
        service.run(&caller, Operation::Describe(mesh())).await.unwrap();
        service.run(&caller, Operation::Delete(mesh())).await.unwrap();
        let line = |span: &str, caller: &str, operation: &str, old: u64, new: u64| {
            format!(
                "INFO {span}app_mesh_api::audit: changed caller=\"{caller}\" operation=\"{operation}\" \
                 resource=\"arn:aws:appmesh:us-east-1:000000000000:mesh/demo\" old_version={old} new_version={new}"
            )
        };
        let expected = [
            line("", "AKIDEXAMPLE", "CreateMesh", 0, 1),
            line("", "AKIDEXAMPLE", "UpdateMesh", 1, 2),
            line("", "AKIDEXAMPLE", "DeleteMesh", 2, 0),
        ];
        assert_eq!(log.take(), expected);

        let body = Body::from(r#"{"meshName": "demo"}"#);
        let mut request = Request::put("/v20190125/meshes").body(body).unwrap();
        let address = SocketAddr::from(([10, 0, 0, 7], 4711));
        request.extensions_mut().insert(ConnectInfo(address));
        let response = router(service).oneshot(request).await.unwrap();
        let id = response.headers()["x-amzn-requestid"].to_str().unwrap();
        let span = format!("request{{request_id=\"{id}\" source=10.0.0.7}}: ");
        assert_eq!(log.take(), [line(&span, "anonymous", "CreateMesh", 0, 1)]);

        let service = Service::open(Pessimist(MemoryStore::new()), Settings::default())
            .await
            .unwrap();
        service.run(&caller, create(mesh(), json!({}))).await.unwrap_err();
        let error = "ERROR app_mesh_api::service::writer: cannot write resources: the connection was lost \
                     operation=\"CreateMesh\"";
        assert_eq!(
            log.take(),
            [line("", "AKIDEXAMPLE", "CreateMesh", 0, 1), error.to_owned()]
        );
    });
}
