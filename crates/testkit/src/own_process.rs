//! Runs a test in a process of its own.
//!
//! The test harness runs all tests of a binary as threads of one process. A test that changes something process-wide
//! (tracing's callsite cache and subscribers, metric instruments, environment variables, signal handlers) would
//! therefore change it for tests that run at the same time.

use std::any::type_name;
use std::env;
use std::process::Command;

/// Names the test that a child process is to run.
const TEST: &str = "MESHWRIGHT_TEST_IN_OWN_PROCESS";

/// Runs `test`, which must be the only statement of a `#[test]` function, in a child process: this test binary once
/// more, with that test as its only one. There, `test` runs on a current-thread runtime.
///
/// # Panics
///
/// If the test fails.
#[track_caller]
pub fn own_process<F: AsyncFnOnce()>(test: F) {
    // The path of the closure, such as `it::telemetry::name_of_the_test::{{closure}}`.
    let path = type_name::<F>().trim_end_matches("::{{closure}}");
    let (_, name) = path.split_once("::").expect("a closure's path begins with its crate");
    if env::var(TEST).is_ok_and(|wanted| wanted == name) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(test());
        return;
    }
    let output = Command::new(env::current_exe().expect("the path of this binary"))
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(TEST, name)
        .output()
        .expect("the test binary starts once more");
    let stdout = String::from_utf8_lossy(&output.stdout);
    // Without the count, a child that found no such test would pass.
    assert!(
        output.status.success() && stdout.contains("test result: ok. 1 passed"),
        "{name}, in its own process: {}\n{stdout}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr),
    );
}
