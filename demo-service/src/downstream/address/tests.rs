//! Accepted and rejected addresses: examples and properties.

use std::net::IpAddr;

use proptest::prelude::*;
use url::{Host, Url};

use super::*;

/// `internal` and `localhost` cover names that are rejected nevertheless.
const SUFFIXES: &str = "appmesh,serviceconnect,internal,localhost";

fn parse(text: &str) -> Result<Address, InvalidAddress> {
    Address::parse(text, Some(&MeshSuffixes::from_list(SUFFIXES)), &Ports::new([80, 8080]))
}

#[test]
fn services_of_the_mesh_are_accepted() {
    for (text, expected) in [
        ("blue.appmesh", "blue.appmesh"),
        ("appmesh", "appmesh"),
        ("a.b-c.d_e.1.serviceconnect", "a.b-c.d_e.1.serviceconnect"),
        ("BLUE.AppMesh.", "blue.appmesh"),
        ("blue.appmesh:80", "blue.appmesh"),
        ("blue.appmesh.:8080", "blue.appmesh:8080"),
        ("db.internal", "db.internal"),
    ] {
        assert_eq!(parse(text).expect(text).to_string(), expected);
    }
}

#[test]
fn everything_else_is_rejected_with_a_reason() {
    let long_label = format!("{}.appmesh", "a".repeat(64));
    let long_name = format!("{}appmesh", "a.".repeat(130));
    for (text, reason) in [
        ("", "the service name is missing"),
        (".", "the service name is missing"),
        (":80", "the service name is missing"),
        // Outside the mesh.
        (
            "example.com",
            "outside the mesh; allowed are names that end in: appmesh,internal,localhost,serviceconnect",
        ),
        ("blueappmesh", "outside the mesh"),
        ("appmesh.example.com", "outside the mesh"),
        // IP addresses in all notations that some parser accepts.
        ("127.0.0.1", "an IP address"),
        ("169.254.169.254", "an IP address"),
        ("169.254.169.254.:80", "an IP address"),
        ("2130706433", "an IP address"),
        ("017700000001", "an IP address"),
        ("127.1", "an IP address"),
        ("0x7f.1", "an IP address"),
        ("0x7f000001", "an IP address"),
        ("0x", "an IP address"),
        ("blue.0X7F", "an IP address"),
        ("[::1]", "an IP address"),
        ("[fd00:ec2::254]:80", "an IP address"),
        ("::1", "not a port"),
        ("fe80::1%25eth0", "percent-encoded"),
        // This host and its cloud, although the suffixes above cover them.
        ("localhost", "this host or its cloud"),
        ("blue.localhost", "this host or its cloud"),
        ("LOCALHOST.", "this host or its cloud"),
        ("metadata.google.internal", "this host or its cloud"),
        ("instance-data.ec2.internal", "this host or its cloud"),
        // Credentials.
        ("user@blue.appmesh", "credentials"),
        ("user:secret@blue.appmesh", "credentials"),
        ("blue.appmesh@example.com", "credentials"),
        // Ports.
        ("blue.appmesh:81", "port 81 is not allowed; allowed are: 80, 8080"),
        ("blue.appmesh:22", "port 22"),
        ("blue.appmesh:", "not a port"),
        ("blue.appmesh:0", "not a port"),
        ("blue.appmesh:+80", "not a port"),
        ("blue.appmesh:65536", "not a port"),
        ("blue.appmesh:80:80", "not a port"),
        // Encoded characters.
        ("169%2e254%2e169%2e254", "percent-encoded"),
        ("blue.appmesh%00.example.com", "percent-encoded"),
        ("user%40blue.appmesh", "percent-encoded"),
        ("example.com%2f.appmesh", "percent-encoded"),
        ("xn--bl-yia.appmesh", "xn--"),
        // Not host names.
        ("blue..appmesh", "a label between two dots"),
        (".appmesh", "a label between two dots"),
        ("blue.appmesh..", "a label between two dots"),
        ("-blue.appmesh", "letters, digits"),
        ("blue-.appmesh", "letters, digits"),
        ("bl ue.appmesh", "letters, digits"),
        ("example.com\\.appmesh", "letters, digits"),
        ("example.com#.appmesh", "letters, digits"),
        ("example.com?.appmesh", "letters, digits"),
        ("blüe.appmesh", "letters, digits"),
        ("blue.appmesh\u{3002}example", "letters, digits"),
        (&long_label, "1 to 63 characters"),
        (&long_name, "it has 267 characters; allowed are up to 253"),
    ] {
        let error = parse(text).expect_err(text).to_string();
        assert!(error.contains(reason), "{text}: {error}");
        assert!(
            error.starts_with(&format!("`{}` cannot be called: ", shortened(text))),
            "{error}"
        );
    }
}

#[test]
fn the_default_port_must_be_allowed_too() {
    let only_8080 = Ports::new([8080]);
    let error = Address::parse("blue.appmesh", Some(&MeshSuffixes::from_list(SUFFIXES)), &only_8080).unwrap_err();
    assert!(
        error.to_string().ends_with("port 80 is not allowed; allowed are: 8080"),
        "{error}"
    );
}

#[test]
fn without_suffixes_every_name_is_rejected() {
    assert!(Address::parse("blue.appmesh", Some(&MeshSuffixes::default()), &Ports::new([80])).is_err());
}

#[test]
fn a_rejected_name_is_shortened_in_messages() {
    let error = parse(&"ü".repeat(1000)).unwrap_err().to_string();
    assert!(error.contains("…") && error.chars().count() < 200, "{error}");
}

/// The properties of every accepted address.
fn check_properties(address: &Address) -> Result<(), TestCaseError> {
    let name = &address.name;
    prop_assert!(
        MeshSuffixes::from_list(SUFFIXES).contains(name),
        "{name} is outside the mesh"
    );
    prop_assert!([80, 8080].contains(&address.port), "port {}", address.port);
    prop_assert!(name.parse::<IpAddr>().is_err(), "{name} is an address");
    prop_assert!(name.len() <= 253);
    for label in name.split('.') {
        prop_assert!((1..=63).contains(&label.len()), "{name}");
        prop_assert!(!label.starts_with('-') && !label.ends_with('-'), "{name}");
        prop_assert!(
            label
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-')),
            "{name}"
        );
    }
    // The client's URL parser must see the same name.
    let url = Url::parse(&format!("http://{address}/path")).expect("an accepted name makes a URL");
    prop_assert_eq!(url.host(), Some(Host::Domain(name.as_str())));
    prop_assert_eq!(url.port_or_known_default(), Some(address.port));
    prop_assert_eq!((url.username(), url.password(), url.path()), ("", None, "/path"));
    Ok(())
}

proptest! {
    #[test]
    fn accepted_text_has_the_properties(text in any::<String>()) {
        if let Ok(address) = parse(&text) {
            check_properties(&address)?;
        }
    }

    /// Parts of names and addresses in any order: a useful share of them is accepted.
    #[test]
    fn accepted_combinations_have_the_properties(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "blue", "a", "B", "1", "0x7f", "127", "_", "-", ".", ".", ":", "80", "8080", "@", "%2e", "[", "]", "::",
                "appmesh", ".appmesh", "serviceconnect", "internal", "localhost", "xn--", "é", "\u{ad}", "/", "\\",
            ]),
            0..8,
        ),
        suffix in prop::sample::select(vec!["", ".appmesh", ".appmesh.", ".internal:8080", ".localhost"]),
    ) {
        if let Ok(address) = parse(&format!("{}{suffix}", parts.concat())) {
            check_properties(&address)?;
        }
    }

    #[test]
    fn every_plain_name_is_accepted(labels in prop::collection::vec("[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?", 1..4)) {
        prop_assume!(!labels.iter().any(|label| label.starts_with("xn--")));
        let address = parse(&format!("{}.appmesh", labels.join("."))).expect("it is a plain name");
        check_properties(&address)?;
    }
}
