//! Retired words: the project uses the terms of xDS, Envoy, ECS, CloudFormation and OpenTelemetry.
//!
//! Each pattern was once a private word for something that has a standard term, which stands beside it. Words with a
//! legitimate meaning of their own (`told`, `walk`) are matched only in phrases that have none.

use std::fs;
use std::path::{Path, PathBuf};

/// Retired words in any text, and the terms to use. Compared in lower case, at word boundaries.
const RETIRED: &[(&str, &str)] = &[
    ("nobody", "no one reads it: use the passive, or name the component"),
    ("somebody", "the caller, the user, another process"),
    ("anybody", "any caller, any client"),
    ("whoever", "the caller, the component"),
    ("is told", "receives, is configured with"),
    ("are told", "receive, are configured with"),
    ("was told", "received"),
    ("be told", "receive, be configured with"),
    ("gone on with", "resumed"),
    ("taken back", "rolled back"),
    ("is not well", "is unhealthy"),
    ("leads nowhere", "does not resolve"),
    ("leads on and on", "exceeds the limit"),
    ("cannot be had", "is not available"),
    ("of old", "former"),
    ("state of the world", "SotW"),
    ("stateoftheworld", "Sotw"),
    ("worldrequest", "SotwRequest"),
    ("worldsource", "MeshStateSource"),
    ("nodeinstance", "NodeEndpoint"),
    ("ownwiring", "MeshwrightMetadata"),
    ("refusals", "NACKs, rejections"),
    ("refusal", "NACK, rejection"),
    ("journey", "request path"),
    ("atlas", "AddressIndex"),
    ("surroundings", "ContainerContext, HostEnv"),
    ("acknowledgements", "sync status"),
    ("misfits", "unsupported options"),
    ("placeholder vip", "synthetic VIP"),
    ("copy of the control plane", "replica"),
    ("copies of the control plane", "replicas"),
    ("unplug", "delete_veth"),
    ("inhabit", "enter"),
    ("culprit", "candidate"),
    ("farewell", "shutdown grace"),
    ("whose answer", "response"),
    ("by whomever", "name the component"),
    ("of app mesh's kind", "App Mesh"),
    ("gives itself", "scripted response"),
    ("longest call of the walk", "longest call of the smoke test"),
    ("unless told otherwise", "default"),
    ("it had its turns", "it received requests"),
    ("vouch_for", "issue"),
    ("is_answered_by", "wait_for_response_from"),
    ("has_been_asked", "wait_for_requests"),
    ("never_kept_waiting", "assert_no_fetch_timeout"),
];

/// Files that name retired words on purpose: the last one in a logical id and a description of templates, where a
/// change would be an update of every deployed stack.
const EXCEPTIONS: &[&str] = &[
    "tests/it/vocabulary.rs",
    "CHANGELOG.md",
    "mesh-infra/src/constructs/load_balancer.rs",
];

#[test]
fn retired_words_do_not_come_back() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for file in texts(root) {
        let path = file.strip_prefix(root).unwrap_or(&file).display().to_string();
        if EXCEPTIONS.iter().any(|exception| path.ends_with(exception)) {
            continue;
        }
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            let line = line.to_lowercase();
            for (word, instead) in RETIRED {
                if contains_word(&line, word) {
                    found.push(format!("{path}:{}: `{word}`: use {instead}", number + 1));
                }
            }
        }
    }
    assert!(found.is_empty(), "retired words:\n{}", found.join("\n"));
}

#[test]
fn every_crate_is_on_the_map() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let map = fs::read_to_string(root.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let manifest = fs::read_to_string(root.join("Cargo.toml")).expect("Cargo.toml");
    let members = manifest.split_once("members = [").expect("workspace members").1;
    let members = members.split_once(']').expect("end of workspace members").0;
    for member in members.split(',').map(|member| member.trim().trim_matches('"')) {
        let name = member.rsplit('/').next().unwrap_or(member);
        assert!(
            name.is_empty() || map.contains(&format!("`{member}`")) || map.contains(&format!("`{name}/`")),
            "{member} is not in ARCHITECTURE.md's table of crates"
        );
    }
}

/// True if `word` is in `line` and no letter or digit continues it on either side.
fn contains_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + word.len()..].chars().next();
        ![before, after].into_iter().flatten().any(char::is_alphanumeric)
    })
}

/// Sources and documents, without what is built or recorded.
fn texts(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" && name != "golden" {
                found.extend(texts(&path));
            }
        } else if [".rs", ".md", ".toml", ".py"]
            .iter()
            .any(|ending| name.ends_with(ending))
        {
            found.push(path);
        }
    }
    found
}

#[test]
fn words_are_matched_whole() {
    assert!(contains_word("that nobody reads", "nobody"));
    assert!(!contains_word("a refusals_list", "refusal"));
}
