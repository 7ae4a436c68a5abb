//! A program that completes its work after the first stop signal, and ends at once after a second one.
//!
//! ```text
//! cargo run -p stop-signals --example graceful_stop      then press Ctrl-C, once or twice
//! ```

use std::process::ExitCode;
use std::time::Duration;

use stop_signals::StopSignals;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<ExitCode> {
    let mut signals = StopSignals::for_terminal()?;
    println!("process {} is running", std::process::id());

    let signal = signals.next_distinct().await;
    println!("{signal}: completing the work; a second signal cancels it");
    tokio::select! {
        () = complete_work() => {
            println!("done");
            Ok(ExitCode::SUCCESS)
        }
        signal = signals.next_distinct() => {
            println!("{signal}: cancelled");
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Stands for requests in flight.
async fn complete_work() {
    tokio::time::sleep(Duration::from_secs(3)).await;
}
