//! Handshakes: what passes, what is rejected, and files that are not usable.

use std::time::Duration;

use server_tls::{CertificateFiles, ServerTls, TlsError};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::server::{Files, Server, connect, try_connect};

#[tokio::test]
async fn bytes_pass_in_both_directions() {
    let files = Files::issue("localhost");
    let server = Server::start(&files, &["h2"]);
    let mut connection = connect(&server, &files, &["h2"]).await;
    assert_eq!(connection.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    assert_eq!(server.echo(&mut connection, b"hello").await, b"hello");
    // A client without ALPN is accepted, too.
    let mut connection = connect(&server, &files, &[]).await;
    assert_eq!(server.echo(&mut connection, b"again").await, b"again");
}

#[tokio::test]
async fn a_client_of_another_protocol_or_another_root_is_rejected() {
    let files = Files::issue("localhost");
    let server = Server::start(&files, &["h2"]);
    let other = try_connect(&server, &files, &["http/1.1"]).await;
    let other = other.expect_err("no common protocol");
    assert!(other.contains("NoApplicationProtocol"), "{other}");
    let stranger = Files::issue("localhost");
    let untrusted = try_connect(&server, &stranger, &["h2"]).await;
    let untrusted = untrusted.expect_err("another root");
    assert!(untrusted.contains("invalid peer certificate"), "{untrusted}");
    // Neither has harmed the listener.
    let mut connection = connect(&server, &files, &["h2"]).await;
    assert_eq!(server.echo(&mut connection, b"hello").await, b"hello");
}

#[tokio::test]
async fn silent_peers_delay_no_other() {
    let files = Files::issue("localhost");
    let server = Server::start(&files, &[]);
    let mut silent = Vec::new();
    // More than handshakes at a time.
    for _ in 0..300 {
        silent.push(TcpStream::connect(server.address).await.expect("a connection"));
    }
    // Long before the first of them ends by itself.
    let connecting = tokio::time::timeout(Duration::from_secs(2), connect(&server, &files, &[]));
    let mut connection = connecting.await.expect("silent peers delay nothing");
    assert_eq!(server.echo(&mut connection, b"hello").await, b"hello");
    drop(silent);
}

#[tokio::test]
async fn a_peer_that_sends_nothing_is_disconnected() {
    let files = Files::issue("localhost");
    let server = Server::start(&files, &[]);
    let mut silent = TcpStream::connect(server.address).await.expect("a connection");
    let closed = tokio::time::timeout(Duration::from_secs(8), silent.read(&mut [0])).await;
    assert_eq!(closed.expect("closed in time").expect("no reset"), 0);
}

#[test]
fn files_that_are_not_usable_are_named() {
    let files = Files::issue("localhost");
    let other = Files::issue("localhost");
    let (certificate, key, other_key) = (files.certificate(), files.key(), other.key());
    let error = |certificate, key| ServerTls::load(CertificateFiles::new(certificate, key)).expect_err("an error");
    let missing = files.directory().join("missing.pem");
    assert!(matches!(
        error(&missing, &key),
        TlsError::Read { file, .. } if file == missing
    ));
    let text = error(&key, &key).to_string();
    assert!(text.contains("server-key.pem has no certificate"), "{text}");
    let text = error(&certificate, &certificate).to_string();
    assert!(text.contains("server.pem has no private key"), "{text}");
    let text = error(&certificate, &other_key).to_string();
    assert!(text.contains("is not that of the first certificate in"), "{text}");
    let torn = files.directory().join("torn.pem");
    std::fs::write(&torn, "-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n").expect("a file");
    let text = error(&torn, &key).to_string();
    assert!(text.contains("torn.pem is not a PEM file"), "{text}");
}
