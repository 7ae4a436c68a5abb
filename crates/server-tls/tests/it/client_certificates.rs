//! Client certificates: optional, of the CAs in a file that may change.

use server_tls::{CertificateFiles, ServerTls, TlsError};

use crate::server::{Files, Server, connect, try_connect_as};

/// A server that accepts certificates of clients that these self-signed ones have issued.
fn start(files: &Files, clients: &Files) -> Server {
    let files = CertificateFiles::new(files.certificate(), files.key());
    Server::start_with(files.with_client_ca(clients.certificate()), &["h2"])
}

#[tokio::test]
async fn a_client_may_present_a_certificate_of_a_known_ca() {
    let (files, known, unknown) = (
        Files::issue("localhost"),
        Files::issue("known"),
        Files::issue("unknown"),
    );
    let server = start(&files, &known);
    try_connect_as(&server, &files, &[], Some(&known))
        .await
        .expect("it is known");
    let error = try_connect_as(&server, &files, &[], Some(&unknown)).await;
    error.expect_err("it is unknown");
    connect(&server, &files, &[]).await;
}

#[tokio::test]
async fn a_changed_ca_file_is_in_use_from_the_next_connection_on() {
    let (files, before, after) = (Files::issue("localhost"), Files::issue("before"), Files::issue("after"));
    let ca = before.clone_to_memory();
    ca.copy_from(&before);
    let server = start(&files, &ca);
    let mut open = try_connect_as(&server, &files, &[], Some(&before))
        .await
        .expect("it is known");
    ca.copy_certificate_from(&after);
    try_connect_as(&server, &files, &[], Some(&after))
        .await
        .expect("it is known now");
    let error = try_connect_as(&server, &files, &[], Some(&before)).await;
    error.expect_err("it is not known any more");
    assert_eq!(server.echo(&mut open, b"still open").await, b"still open");
}

#[tokio::test]
async fn a_ca_file_without_a_certificate_is_an_error() {
    let files = Files::issue("localhost");
    let certificate = CertificateFiles::new(files.certificate(), files.key());
    let key = certificate.clone().with_client_ca(files.key());
    assert!(matches!(ServerTls::load(key), Err(TlsError::NoCertificate { .. })));
    let missing = certificate.with_client_ca(files.directory().join("missing.pem"));
    assert!(matches!(ServerTls::load(missing), Err(TlsError::Read { .. })));
}
