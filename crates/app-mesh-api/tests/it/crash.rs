//! Processes that are killed while they write.
//!
//! A child process writes with many concurrent callers and prints each acknowledged write; the test kills it at a random
//! moment, opens the file and compares.

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use app_mesh_api::response::Output;
use app_mesh_api::{FileStore, Operation, Quotas, Registry, Service, Settings, Store};
use serde_json::{Value, json};

use crate::harness::{caller, create, mesh, node_path, node_spec, update};

const ROUNDS: u32 = 200;
const WRITERS: usize = 16;
/// The state file; set for the child.
const STATE: &str = "MESHWRIGHT_TEST_CRASH_STATE";

#[test]
fn killed_processes_lose_nothing_that_was_acknowledged() {
    if let Some(state) = env::var_os(STATE) {
        write_for_ever(Path::new(&state));
    }
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let mut acknowledged: BTreeMap<String, (u64, String)> = BTreeMap::new();
    let mut writes = 0_usize;
    for round in 0..ROUNDS {
        let lines = run_and_kill(&state, Duration::from_millis(u64::from(round % 40)));
        for line in lines {
            // NAME VERSION HOSTNAME
            let fields: Vec<&str> = line.split(' ').collect();
            let [name, version, hostname] = fields.as_slice() else {
                panic!("round {round}: {line:?}");
            };
            let version: u64 = version.parse().expect("a version");
            let entry = acknowledged.entry((*name).to_owned()).or_default();
            assert!(
                version > entry.0,
                "round {round}: {name} went from version {} to {version}",
                entry.0
            );
            *entry = (version, (*hostname).to_owned());
            writes += 1;
        }
        compare(round, &state, &mut acknowledged);
    }
    assert!(writes > 1000, "only {writes} writes were acknowledged");
    println!("{writes} acknowledged writes in {ROUNDS} rounds");
}

/// Starts the child, waits until it has written for the duration, kills it, and returns what it acknowledged.
fn run_and_kill(state: &Path, duration: Duration) -> Vec<String> {
    let mut child = Command::new(env::current_exe().expect("this binary"))
        .args([
            "crash::killed_processes_lose_nothing_that_was_acknowledged",
            "--exact",
            "--nocapture",
        ])
        .env(STATE, state)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the child starts");
    let mut output = BufReader::new(child.stdout.take().expect("its output is piped"));
    let reader = std::thread::spawn(move || {
        let mut lines = Vec::new();
        let mut line = Vec::new();
        let mut killer = Some(child);
        // A line without an end was cut off by the kill.
        while output.read_until(b'\n', &mut line).expect("the pipe is readable") > 0 && line.ends_with(b"\n") {
            let text = String::from_utf8(std::mem::take(&mut line)).expect("text");
            if let Some(write) = text.trim_end().strip_prefix("acknowledged ") {
                lines.push(write.to_owned());
                if let Some(mut child) = killer.take() {
                    std::thread::spawn(move || {
                        // The moment of the kill, not a wait for something.
                        std::thread::sleep(duration);
                        child.kill().expect("the child runs");
                        child.wait().expect("the child ends");
                    });
                }
            }
        }
        assert!(killer.is_none(), "the child ended before its first write");
        lines
    });
    reader.join().expect("the child writes")
}

/// Compares the file with what was acknowledged.
fn compare(round: u32, state: &Path, acknowledged: &mut BTreeMap<String, (u64, String)>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    // The kernel releases the lock of a killed process a moment after its pipe.
    let store = open_when_unlocked(state);
    let loaded = runtime.block_on(store.load()).expect("the file is readable");
    let registry = Registry::from_records(loaded.records).expect("a mesh");
    for (name, (version, hostname)) in acknowledged.iter_mut() {
        let record = registry
            .get(&node_path(name))
            .unwrap_or_else(|| panic!("round {round}: {name} is lost"));
        let spec: Value = serde_json::from_str(record.spec_json()).expect("JSON");
        let found = spec["serviceDiscovery"]["dns"]["hostname"]
            .as_str()
            .expect("a host name");
        // One more write of each writer may be stored without having been acknowledged.
        let is_unacknowledged = record.version() == *version + 1;
        assert!(
            is_unacknowledged || (record.version() == *version && found == hostname),
            "round {round}: {name} has version {} and {found}; acknowledged were {version} and {hostname}",
            record.version()
        );
        // A host name is written with the version after it.
        assert_eq!(
            found,
            format!("{name}-{}", record.version()),
            "round {round}: half a write"
        );
        // What was stored without having been acknowledged stays, too.
        *version = record.version();
        found.clone_into(hostname);
    }
    // Imports write two resources together.
    let pair = ["pair-a", "pair-b"].map(|name| {
        registry
            .get(&node_path(name))
            .map(|record| record.spec_json().to_owned())
    });
    assert_eq!(pair[0], pair[1], "round {round}: half an import");
}

fn open_when_unlocked(state: &Path) -> FileStore {
    let mut opened = None;
    testkit::wait_until_blocking("the lock of the state file", || {
        match FileStore::open(state) {
            Ok(store) => opened = Some(store),
            Err(app_mesh_api::store::FileStoreError::InUse { .. }) => return false,
            Err(error) => panic!("{error}"),
        }
        true
    });
    opened.expect("it was opened")
}

/// The child.
fn write_for_ever(state: &Path) -> ! {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let settings = Settings {
            quotas: Quotas::unlimited(),
            ..Settings::default()
        };
        let service = Service::open(open_when_unlocked(state), settings)
            .await
            .expect("a state file");
        // Exists after the first round.
        let _exists = service.run(&caller(), create(mesh(), json!({}))).await;
        for writer in 0..WRITERS {
            let service = service.clone();
            tokio::spawn(async move { write_node(&service, &format!("node-{writer}")).await });
        }
        for number in 0_u64.. {
            let spec = node_spec(&format!("{}-{number}", std::process::id()));
            let both = ["pair-a", "pair-b"].map(|name| (node_path(name), spec.clone()));
            service.import(&caller(), both).await.expect("an import");
        }
    });
    unreachable!("it is killed")
}

async fn write_node(service: &Service, name: &str) {
    loop {
        let existing = service
            .registry()
            .get(&node_path(name))
            .map_or(0, |record| record.version());
        let hostname = format!("{name}-{}", existing + 1);
        let operation = match existing {
            0 => create(node_path(name), node_spec(&hostname)),
            _ => update(node_path(name), node_spec(&hostname)),
        };
        let output = service.run(&caller(), operation).await.expect("a write");
        let Output::Resource(record) = output else {
            panic!("{output:?}");
        };
        // In one call, so that lines of different writers do not mix.
        let line = format!("acknowledged {name} {} {hostname}\n", record.version());
        std::io::stdout().write_all(line.as_bytes()).expect("the test reads");
        let described = service.run(&caller(), Operation::Describe(node_path(name))).await;
        assert_eq!(described.expect("it exists"), Output::Resource(record));
    }
}
