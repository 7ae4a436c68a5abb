//! Client builder: settings, errors, and detection of the traffic mode.

use super::*;

#[test]
fn the_default_timeout_is_longer_than_the_mesh_s() {
    assert_eq!(DEFAULT_TIMEOUT, Duration::from_secs(17));
    assert!(DEFAULT_TIMEOUT > DEFAULT_PER_REQUEST_TIMEOUT);
}

#[test]
fn the_client_has_the_settings_of_its_builder() {
    let egress = SocketAddr::from(([127, 0, 0, 1], 15001));
    let client = Client::builder()
        .egress(egress)
        .suffixes(MeshSuffixes::from_list("appmesh"))
        .timeout(Duration::from_secs(3))
        .build()
        .unwrap();
    assert_eq!(
        client.traffic_mode(),
        &TrafficMode::explicit_proxy(egress, DetectedBy::Builder)
    );
    assert_eq!(client.traffic_mode().detected_by(), DetectedBy::Builder);
    assert_eq!(client.suffixes().to_string(), "appmesh");
    assert_eq!(client.timeout(), Duration::from_secs(3));
}

#[test]
fn missing_settings_are_reported() {
    let error = Client::builder().suffixes(MeshSuffixes::default()).build().unwrap_err();
    assert_eq!(
        error.to_string(),
        "traffic_mode: is not set; call egress, transparent_proxy or no_proxy\n\
         suffixes: contains no suffix; allowed is one or more, such as serviceconnect"
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

/// The client of a task with this hosts file and without environment variables.
fn detected(hosts: &str) -> Client {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hosts");
    std::fs::write(&path, hosts).unwrap();
    let builder = ClientBuilder {
        detects_mode: true,
        ..ClientBuilder::new()
    };
    builder.hosts_file(path).build().unwrap()
}

#[test]
fn service_connect_is_detected_by_the_hosts_file() {
    let client = detected("127.0.0.1 localhost\n127.255.0.1 blue\n2600:f0f0::1 blue\n");
    let address = [127, 255, 0, 1].into();
    assert_eq!(
        client.traffic_mode(),
        &TrafficMode::transparent_proxy(DetectedBy::HostsFile(address))
    );
    assert_eq!(client.suffixes().to_string(), "appmesh,serviceconnect");
}

#[test]
fn the_default_mode_is_no_proxy() {
    let client = detected("127.0.0.1 localhost\n");
    assert_eq!(client.traffic_mode(), &TrafficMode::no_proxy(DetectedBy::Default));
}

#[test]
fn a_synthetic_vip_on_this_host_is_rejected() {
    for vip in ["127.0.0.1", "0.0.0.0", "169.254.170.2", "224.0.0.1"] {
        let builder = Client::builder()
            .transparent_proxy()
            .synthetic_vip(vip.parse().unwrap());
        let error = builder.build().unwrap_err().to_string();
        assert!(error.starts_with(&format!("synthetic_vip: is `{vip}`, ")), "{error}");
    }
}
