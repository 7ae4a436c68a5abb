//! The same calls to moto's App Mesh and to this one.

use app_mesh_api::{MemoryStore, Settings};

use crate::harness::{Server, python};

/// A script of random calls, from a fixed seed. Results differ only as the table in the program says, with reasons.
#[test]
fn moto_and_this_api_agree_but_for_listed_differences() {
    let settings = Settings {
        // moto's account.
        account: "123456789012".to_owned(),
        ..Settings::default()
    };
    let server = Server::with_store(MemoryStore::new(), settings);
    let moto = testkit::Server::moto(testkit::python_tools()).expect("moto starts");
    let output = python(
        "moto_differential.py",
        &[("OURS", &server.url()), ("MOTO", moto.address())],
    );
    assert!(output.ends_with("done\n"), "{output}");
}
