//! The audit log: one event for each change.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use app_mesh_api::{Caller, MemoryStore, Operation, Service, Settings};
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::harness::{create, mesh, update};

/// Records the fields of events of the audit log.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<String>>>);

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push_str(&format!("{field}={value:?} "));
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "app_mesh_api::audit"
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        self.0.lock().unwrap().push(fields.0);
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

#[test]
fn changes_are_in_the_audit_log() {
    testkit::own_process(async || {
        let recorder = Recorder::default();
        tracing::subscriber::set_global_default(recorder.clone()).unwrap();
        let service = Service::open(MemoryStore::new(), Settings::default()).await.unwrap();
        let caller = Caller::unrestricted("AKIDEXAMPLE");
        service.run(&caller, create(mesh(), json!({}))).await.unwrap();
        service.run(&caller, update(mesh(), json!({}))).await.unwrap();
        service.run(&caller, create(mesh(), json!({}))).await.unwrap_err();
        service.run(&caller, Operation::Describe(mesh())).await.unwrap();
        service.run(&caller, Operation::Delete(mesh())).await.unwrap();
        let line = |operation: &str, old: u64, new: u64| {
            format!(
                "message=changed caller=\"AKIDEXAMPLE\" operation=\"{operation}\" \
                 resource=\"arn:aws:appmesh:us-east-1:000000000000:mesh/demo\" old_version={old} new_version={new} "
            )
        };
        let expected = [
            line("CreateMesh", 0, 1),
            line("UpdateMesh", 1, 2),
            line("DeleteMesh", 2, 0),
        ];
        assert_eq!(*recorder.0.lock().unwrap(), expected);
    });
}
