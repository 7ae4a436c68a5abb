//! A server that requires signed requests. Prints a command that calls it.
//!
//! ```text
//! cargo run -p sigv4-verify --example protected
//! ```

use std::sync::Arc;
use std::time::SystemTime;

use axum::routing::get;
use axum::{Extension, Router};
use sigv4_verify::{AccessKey, KeyRing, Secret, Verified, Verifier, VerifyLayer};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    // An example has no secret to protect. Read yours from a file that only the server's user can read.
    let key = AccessKey::new("AKIDEXAMPLE", Secret::new("example-secret".to_owned()));
    let keys: KeyRing = [key].into_iter().collect();
    let verifier = Verifier::new("example").with_region("eu-west-1");
    let greet = |Extension(caller): Extension<Verified>| async move { format!("hello, {}\n", caller.access_key_id()) };
    let app: Router =
        Router::new()
            .route("/", get(greet))
            .layer(VerifyLayer::new(verifier, Arc::new(keys), SystemTime::now));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    println!("curl --aws-sigv4 aws:amz:eu-west-1:example --user AKIDEXAMPLE:example-secret http://{address}/");
    axum::serve(listener, app).await
}
