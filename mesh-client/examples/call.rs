//! Calls a service of the mesh and prints its response: `cargo run -p mesh-client --example call -- http://blue.appmesh/`.

use std::time::Duration;

use mesh_client::Client;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("usage: call URL")?;
    let mesh = Client::from_env()?;
    println!("traffic mode: {}", mesh.traffic_mode());
    mesh.ready(Duration::from_secs(10)).await?;

    match mesh.get(url).timeout(Duration::from_secs(5)).send().await {
        Ok(response) => {
            println!("{} responded with {}", response.service(), response.status());
            println!("{}", response.text().await?);
            Ok(())
        }
        Err(error) => {
            for attempt in error.attempts() {
                println!("tried {attempt}");
            }
            println!("label: {}, retryable: {}", error.label(), error.is_retryable());
            Err(error.into())
        }
    }
}
