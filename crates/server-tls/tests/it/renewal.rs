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

#[tokio::test]
async fn a_file_that_is_away_for_a_moment_is_used_once_it_is_back() {
    let files = Files::issue("localhost");
    let previous = files.clone_to_memory();
    let server = Server::start(&files, &[]);
    let before = server_certificate(&connect(&server, &previous, &[]).await);

    let renewed = Files::issue("localhost");
    let (key, away) = (files.key(), files.directory().join("away.pem"));
    files.copy_from(&renewed);
    std::fs::rename(&key, &away).expect("the key is renamed");
    std::fs::create_dir(&key).expect("a directory in its place");
    assert_eq!(server_certificate(&connect(&server, &previous, &[]).await), before);
    std::fs::remove_dir(&key).expect("the directory is removed");
    std::fs::rename(&away, &key).expect("the key is back");
    assert_ne!(server_certificate(&connect(&server, &renewed, &[]).await), before);
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_changes_within_its_modification_time_is_read_again() {
    let files = Files::issue("localhost");
    let server = Server::start(&files, &[]);
    let before = server_certificate(&connect(&server, &files.clone_to_memory(), &[]).await);
    let metadata = std::fs::metadata(files.certificate()).expect("a file");
    let length = metadata.len();
    let modified = metadata.modified().expect("a time");
    // The length of a certificate varies by a few bytes: until one has the same.
    let renewed = loop {
        let renewed = Files::issue("localhost");
        if std::fs::metadata(renewed.certificate()).expect("a file").len() == length {
            break renewed;
        }
    };
    let key_modified = std::fs::metadata(files.key())
        .expect("a file")
        .modified()
        .expect("a time");
    files.copy_from(&renewed);
    for (file, time) in [(files.certificate(), modified), (files.key(), key_modified)] {
        let file = std::fs::File::options().write(true).open(file).expect("a file");
        file.set_modified(time).expect("the time is set");
    }
    assert_ne!(server_certificate(&connect(&server, &renewed, &[]).await), before);
}
