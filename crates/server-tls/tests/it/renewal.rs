//! Certificates that are renewed while the server runs.

use crate::server::{Files, Server, connect, server_certificate, try_connect};

#[tokio::test]
async fn a_renewed_certificate_is_used_from_the_next_connection_on() {
    let files = Files::issue("localhost");
    let server = Server::start(&files, &[]);
    let mut before = connect(&server, &files, &[]).await;

    let renewed = Files::issue("localhost");
    files.copy_from(&renewed);
    let after = connect(&server, &renewed, &[]).await;
    assert_ne!(server_certificate(&before), server_certificate(&after));
    assert_eq!(server.echo(&mut before, b"still open").await, b"still open");
}

#[tokio::test]
async fn the_previous_certificate_stays_while_files_do_not_belong_together() {
    let files = Files::issue("localhost");
    let previous = files.clone_to_memory();
    let server = Server::start(&files, &[]);
    let before = server_certificate(&connect(&server, &previous, &[]).await);

    let renewed = Files::issue("localhost");
    files.copy_certificate_from(&renewed);
    assert_eq!(server_certificate(&connect(&server, &previous, &[]).await), before);
    std::fs::remove_file(files.key()).expect("the key is removed");
    assert_eq!(server_certificate(&connect(&server, &previous, &[]).await), before);
    files.copy_from(&renewed);
    assert_ne!(server_certificate(&connect(&server, &renewed, &[]).await), before);
    assert!(try_connect(&server, &previous, &[]).await.is_err(), "renewed");
}
