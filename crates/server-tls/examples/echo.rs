//! Echoes what a TLS client sends: `cargo run -p server-tls --example echo CERTIFICATE KEY`, then
//! `openssl s_client -connect 127.0.0.1:8443`.

use server_tls::{CertificateFiles, ServerTls};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(certificate), Some(key)) = (arguments.next(), arguments.next()) else {
        return Err("usage: echo CERTIFICATE KEY".into());
    };
    let tls = ServerTls::load(CertificateFiles::new(certificate, key))?;
    let mut listener = tls.listen(TcpListener::bind("127.0.0.1:8443").await?, &[]);
    println!("echo at {}", listener.local_addr()?);
    loop {
        let (connection, peer) = listener.accept().await;
        tokio::spawn(async move {
            let (mut from, mut to) = tokio::io::split(connection);
            match tokio::io::copy(&mut from, &mut to).await {
                Ok(bytes) => println!("{peer}: {bytes} bytes"),
                Err(error) => println!("{peer}: {error}"),
            }
        });
    }
}
