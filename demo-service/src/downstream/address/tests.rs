//! What passes the gate and what does not: by example, and for names that nobody thought of.

use std::net::IpAddr;

use proptest::prelude::*;
use url::{Host, Url};

use super::*;

/// `internal` and `localhost` are there to be refused all the same.
const SUFFIXES: &str = "appmesh,serviceconnect,internal,localhost";

fn parse(text: &str) -> Result<Address, Refusal> {
    Address::parse(text, Some(&MeshSuffixes::from_list(SUFFIXES)), &Ports::new([80, 8080]))
}

#[test]
fn services_of_the_mesh_may_be_called() {
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
fn everything_else_is_refused_with_a_reason() {
    let long_label = format!("{}.appmesh", "a".repeat(64));
    let long_name = format!("{}appmesh", "a.".repeat(130));
    for (text, reason) in [
        ("", "no service is named"),
        (".", "no service is named"),
        (":80", "no service is named"),
        // Outside the mesh.
        (
            "example.com",
            "outside the mesh, whose names end in: appmesh,internal,localhost,serviceconnect",
        ),
        ("blueappmesh", "outside the mesh"),
        ("appmesh.example.com", "outside the mesh"),
        // Addresses, in every spelling that some parser takes.
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
        ("blue.appmesh:81", "port 81 is not among the allowed ones: 80, 8080"),
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
        ("blue..appmesh", "between two dots"),
        (".appmesh", "between two dots"),
        ("blue.appmesh..", "between two dots"),
        ("-blue.appmesh", "letters, digits"),
        ("blue-.appmesh", "letters, digits"),
        ("bl ue.appmesh", "letters, digits"),
        ("example.com\\.appmesh", "letters, digits"),
        ("example.com#.appmesh", "letters, digits"),
        ("example.com?.appmesh", "letters, digits"),
        ("blüe.appmesh", "letters, digits"),
        ("blue.appmesh\u{3002}example", "letters, digits"),
        (&long_label, "1 to 63 characters"),
        (&long_name, "it has 267 characters; allowed are 253"),
    ] {
        let refusal = parse(text).expect_err(text).to_string();
        assert!(refusal.contains(reason), "{text}: {refusal}");
        assert!(
            refusal.starts_with(&format!("`{}` is not called: ", shortened(text))),
            "{refusal}"
        );
    }
}

#[test]
fn a_port_is_allowed_or_not_whether_it_is_written_or_not() {
    let only_8080 = Ports::new([8080]);
    let refusal = Address::parse("blue.appmesh", Some(&MeshSuffixes::from_list(SUFFIXES)), &only_8080).unwrap_err();
    assert!(
        refusal
            .to_string()
            .ends_with("port 80 is not among the allowed ones: 8080"),
        "{refusal}"
    );
}

#[test]
fn without_suffixes_nothing_may_be_called() {
    assert!(Address::parse("blue.appmesh", Some(&MeshSuffixes::default()), &Ports::new([80])).is_err());
}

#[test]
fn a_refused_name_is_shown_in_part() {
    let refusal = parse(&"ü".repeat(1000)).unwrap_err().to_string();
    assert!(refusal.contains("…") && refusal.chars().count() < 200, "{refusal}");
}

/// What may be believed of an address whatever it was made from.
fn promises(address: &Address) -> Result<(), TestCaseError> {
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
    // The parser that decides what the client calls must see the very same name.
    let url = Url::parse(&format!("http://{address}/path")).expect("an accepted name makes a URL");
    prop_assert_eq!(url.host(), Some(Host::Domain(name.as_str())));
    prop_assert_eq!(url.port_or_known_default(), Some(address.port));
    prop_assert_eq!((url.username(), url.password(), url.path()), ("", None, "/path"));
    Ok(())
}

proptest! {
    #[test]
    fn arbitrary_text_keeps_the_promises(text in any::<String>()) {
        if let Ok(address) = parse(&text) {
            promises(&address)?;
        }
    }

    /// Pieces of names and addresses in any order: they pass often enough to say something.
    #[test]
    fn pieces_of_names_keep_the_promises(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "blue", "a", "B", "1", "0x7f", "127", "_", "-", ".", ".", ":", "80", "8080", "@", "%2e", "[", "]", "::",
                "appmesh", ".appmesh", "serviceconnect", "internal", "localhost", "xn--", "é", "\u{ad}", "/", "\\",
            ]),
            0..8,
        ),
        suffix in prop::sample::select(vec!["", ".appmesh", ".appmesh.", ".internal:8080", ".localhost"]),
    ) {
        if let Ok(address) = parse(&format!("{}{suffix}", pieces.concat())) {
            promises(&address)?;
        }
    }

    #[test]
    fn every_plain_name_passes(labels in prop::collection::vec("[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?", 1..4)) {
        prop_assume!(!labels.iter().any(|label| label.starts_with("xn--")));
        let address = parse(&format!("{}.appmesh", labels.join("."))).expect("it is a plain name");
        promises(&address)?;
    }
}
