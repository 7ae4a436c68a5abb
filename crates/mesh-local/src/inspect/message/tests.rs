//! The version of the descriptors, and deterministic JSON.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use prost_reflect::prost::Message;
use prost_reflect::prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumOptions, FileDescriptorProto, FileDescriptorSet, MessageOptions,
};
use serde_json::json;

use super::*;

/// `UPDATE_GOLDEN=1` rewrites the file.
#[test]
fn the_descriptors_are_those_of_envoy_types() {
    let theirs = package("envoy-types").join("src/generated/types.bin");
    let theirs = fs::read(&theirs).unwrap_or_else(|error| panic!("{}: {error}", theirs.display()));
    let mut set = FileDescriptorSet::decode(theirs.as_slice()).expect("descriptors");
    let messages_and_enums = |set: &FileDescriptorSet| -> (usize, usize) {
        let of = |file: &FileDescriptorProto| (file.message_type.len(), file.enum_type.len());
        set.file
            .iter()
            .map(of)
            .fold((0, 0), |sum, more| (sum.0 + more.0, sum.1 + more.1))
    };
    let before = messages_and_enums(&set);
    for file in &mut set.file {
        file.options = None;
        file.source_code_info = None;
        file.service.clear();
        file.extension.clear();
        file.message_type.iter_mut().for_each(strip);
        file.enum_type.iter_mut().for_each(strip_enum);
    }
    assert_eq!(messages_and_enums(&set), before);
    let stripped = set.encode_to_vec();
    if env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/inspect/envoy.binpb");
        fs::write(file, &stripped).expect("the source directory is writable");
        return;
    }
    assert!(
        stripped == DESCRIPTORS,
        "envoy.binpb differs from the descriptors of envoy-types; set UPDATE_GOLDEN=1"
    );
}

/// The directory of a dependency.
fn package(name: &str) -> PathBuf {
    let cargo = |arguments: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        let output = cargo.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
        let output = output.expect("Cargo is there");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let version = cargo(&["-vV"]);
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .expect("rustc prints its host");
    // Dependencies of other platforms may not be downloaded.
    let metadata = cargo(&[
        "metadata",
        "--format-version",
        "1",
        "--offline",
        "--locked",
        "--filter-platform",
        host,
    ]);
    let metadata: Value = serde_json::from_str(&metadata).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let found: Vec<&str> = packages
        .iter()
        .filter(|package| package["name"] == name)
        .filter_map(|package| package["manifest_path"].as_str())
        .collect();
    let [manifest] = found.as_slice() else {
        panic!("expected exactly one {name}: {found:?}")
    };
    Path::new(manifest).parent().expect("a directory").to_owned()
}

/// Removes everything except the encoding from a message descriptor.
fn strip(message: &mut DescriptorProto) {
    message.options = message.options.take().and_then(|options| {
        options.map_entry.map(|map_entry| MessageOptions {
            map_entry: Some(map_entry),
            ..Default::default()
        })
    });
    for field in &mut message.field {
        field.options = None;
        // The default.
        field.json_name = None;
    }
    for oneof in &mut message.oneof_decl {
        oneof.options = None;
    }
    message.extension.clear();
    message.reserved_name.clear();
    message.reserved_range.clear();
    message.nested_type.iter_mut().for_each(strip);
    message.enum_type.iter_mut().for_each(strip_enum);
}

fn strip_enum(kind: &mut EnumDescriptorProto) {
    kind.options = kind.options.take().and_then(|options| {
        options.allow_alias.map(|allow_alias| EnumOptions {
            allow_alias: Some(allow_alias),
            ..Default::default()
        })
    });
    kind.reserved_name.clear();
    kind.reserved_range.clear();
    for value in &mut kind.value {
        value.options = None;
    }
}

/// Encodes a message from JSON and converts it back.
fn round_trip(messages: &Messages, kind: &str, json: &Value) -> Value {
    let descriptor = messages.0.get_message_by_name(kind).expect("it is in the API");
    let message = DynamicMessage::deserialize(descriptor, json.clone()).expect("JSON of this message");
    messages
        .to_json(&format!("type.googleapis.com/{kind}"), &message.encode_to_vec())
        .expect("it can be written")
}

/// The control plane's golden files contain Envoy's `/config_dump`.
#[test]
fn json_is_written_as_by_envoy() {
    let messages = Messages::load().expect("the descriptors are sound");
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mesh-control/tests/golden");
    let mut count = 0;
    for file in fs::read_dir(&dir).expect("the golden files are there") {
        let text = fs::read_to_string(file.expect("a file").path()).expect("text");
        let golden: Value = serde_json::from_str(&text).expect("JSON");
        for (list, kind) in [
            ("clusters", "envoy.config.cluster.v3.Cluster"),
            ("listeners", "envoy.config.listener.v3.Listener"),
            ("routes", "envoy.config.route.v3.RouteConfiguration"),
        ] {
            for resource in golden[list].as_object().expect("resources by name").values() {
                assert_eq!(round_trip(&messages, kind, resource).to_string(), resource.to_string());
                count += 1;
            }
        }
    }
    assert!(count > 10, "only {count} resources");
}

#[test]
fn fields_and_maps_are_preserved() {
    let messages = Messages::load().expect("the descriptors are sound");
    let tls = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
    let options = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    let cluster = json!({
        "name": "c",
        "type": "STRICT_DNS",
        "connect_timeout": "0.250s",
        "circuit_breakers": {"thresholds": [{"max_connections": 0}]},
        "dns_lookup_family": "V4_ONLY",
        "transport_socket": {"name": "tls", "typed_config": {
            "@type": tls,
            "common_tls_context": {"tls_certificates": [{"private_key": {"filename": "/key.pem"}}]},
        }},
        "typed_extension_protocol_options": {"a": {"@type": options}, "b": {"@type": options}},
    });
    let written = round_trip(&messages, "envoy.config.cluster.v3.Cluster", &cluster);
    assert_eq!(written, cluster);
}

#[test]
fn maps_are_sorted_at_all_levels() {
    let messages = Messages::load().expect("the descriptors are sound");
    let fields: Map<String, Value> = (10..60)
        .rev()
        .map(|n| (n.to_string(), json!({"b": true, "a": [{"d": "1", "c": "2"}]})))
        .collect();
    let inner = json!({"@type": "type.googleapis.com/envoy.config.core.v3.Metadata", "filter_metadata": fields});
    let outer = json!({"typed_filter_metadata": {"z": inner, "y": inner}});
    let written = round_trip(&messages, "envoy.config.core.v3.Metadata", &outer);
    assert_eq!(written, outer);
    let mut sorted = outer;
    sorted["typed_filter_metadata"].sort_all_objects();
    assert_eq!(written.to_string(), sorted.to_string());
}

#[test]
fn messages_outside_the_api_are_rejected() {
    let messages = Messages::load().expect("the descriptors are sound");
    let error = |url: &str, encoded: &[u8]| messages.to_json(url, encoded).expect_err("it is invalid").to_string();
    assert_eq!(
        error("type.googleapis.com/other.Cluster", &[]),
        "`other.Cluster` is not a type of Envoy's API"
    );
    assert_eq!(
        error("type.googleapis.com/envoy.config.cluster.v3.Cluster", &[0xff]),
        "cannot decode a message as `envoy.config.cluster.v3.Cluster`"
    );
}
