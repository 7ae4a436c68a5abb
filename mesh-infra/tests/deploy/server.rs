//! MiniStack, started when the first test needs it and stopped after the last.

use std::sync::{Arc, Mutex, Weak};

use pinned_tools::{PythonTools, Server, Surroundings};

/// One for all tests that run at the same time.
pub(crate) fn shared() -> Arc<Server> {
    static RUNNING: Mutex<Weak<Server>> = Mutex::new(Weak::new());
    let tools = PythonTools::install(&Surroundings::from_env(), &mut |step| eprintln!("{step}")).unwrap();
    Server::shared(&RUNNING, || Server::ministack(&tools)).unwrap_or_else(|error| panic!("{error}"))
}
