//! MiniStack, started when the first test needs it and stopped after the last.

use std::sync::{Arc, Mutex, Weak};

use testkit::Server;

/// The server of all tests that run at the same time.
pub(crate) fn shared() -> Arc<Server> {
    static RUNNING: Mutex<Weak<Server>> = Mutex::new(Weak::new());
    let tools = testkit::python_tools();
    Server::shared(&RUNNING, || Server::ministack(tools)).unwrap_or_else(|error| panic!("{error}"))
}
