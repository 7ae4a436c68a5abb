//! What a builder makes of what it is told, and of what it finds out.

use super::*;

#[test]
fn the_mesh_answers_before_the_client_gives_up() {
    assert_eq!(DEFAULT_TIMEOUT, Duration::from_secs(17));
    assert!(DEFAULT_TIMEOUT > DEFAULT_PER_REQUEST_TIMEOUT);
}

#[test]
fn what_is_said_is_what_the_client_has() {
    let egress = SocketAddr::from(([127, 0, 0, 1], 15001));
    let client = Client::builder()
        .egress(egress)
        .suffixes(MeshSuffixes::from_list("appmesh"))
        .timeout(Duration::from_secs(3))
        .build()
        .unwrap();
    assert_eq!(client.wiring(), &Wiring::explicit(egress, Evidence::Program));
    assert_eq!(client.wiring().evidence(), Evidence::Program);
    assert_eq!(client.suffixes().to_string(), "appmesh");
    assert_eq!(client.timeout(), Duration::from_secs(3));
}

#[test]
fn what_is_not_said_is_missed() {
    let error = Client::builder().suffixes(MeshSuffixes::default()).build().unwrap_err();
    assert_eq!(
        error.to_string(),
        "wiring: is not said; expected is one of egress, intercepted and direct\n\
         suffixes: names no suffix; expected is at least one, such as serviceconnect, or no name is in the mesh"
    );
    let error = Client::builder()
        .egress(SocketAddr::from(([127, 0, 0, 1], 0)))
        .build()
        .unwrap_err();
    assert_eq!(error.errors().iter().count(), 2);
    assert!(
        error
            .to_string()
            .starts_with("egress: is `127.0.0.1:0`; allowed is a port from 1 to 65535\nsuffixes: ")
    );
}

/// A client for a task with these lines in its hosts file, which says nothing else of its wiring.
fn found_out(hosts: &str) -> Client {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hosts");
    std::fs::write(&path, hosts).unwrap();
    let builder = ClientBuilder {
        finds_out: true,
        ..ClientBuilder::new()
    };
    builder.hosts_file(path).build().unwrap()
}

#[test]
fn service_connect_is_found_in_the_hosts_file() {
    let client = found_out("127.0.0.1 localhost\n127.255.0.1 blue\n2600:f0f0::1 blue\n");
    let address = [127, 255, 0, 1].into();
    assert_eq!(client.wiring(), &Wiring::intercepted(Evidence::ServiceConnect(address)));
    assert_eq!(client.suffixes().to_string(), "appmesh,serviceconnect");
}

#[test]
fn without_any_evidence_the_wiring_is_direct() {
    let client = found_out("127.0.0.1 localhost\n");
    assert_eq!(client.wiring(), &Wiring::direct(Evidence::Nothing));
}

#[test]
fn a_placeholder_that_does_not_leave_the_process_is_refused() {
    for placeholder in ["127.0.0.1", "0.0.0.0", "169.254.170.2", "224.0.0.1"] {
        let builder = Client::builder()
            .intercepted()
            .placeholder(placeholder.parse().unwrap());
        let error = builder.build().unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("placeholder: is `{placeholder}`, ")),
            "{error}"
        );
    }
}
