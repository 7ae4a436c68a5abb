//! AWS emulators, started for the first test that needs one and stopped after the last.

use std::sync::{Arc, Mutex, Weak};

use testkit::Server;

/// The emulator.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    MiniStack,
    Moto,
}

/// The server of this type, shared by all tests that run at the same time.
pub(crate) fn server(kind: Kind) -> Arc<Server> {
    static RUNNING: [Mutex<Weak<Server>>; 2] = [Mutex::new(Weak::new()), Mutex::new(Weak::new())];
    let tools = testkit::python_tools();
    let server = Server::shared(&RUNNING[kind as usize], || match kind {
        Kind::MiniStack => Server::ministack(tools),
        Kind::Moto => Server::moto(tools),
    });
    server.unwrap_or_else(|error| panic!("{kind:?}: {error}"))
}
