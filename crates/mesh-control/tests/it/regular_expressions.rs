//! The model and Envoy accept the same regular expressions.
//!
//! Envoy rejects a whole route configuration for one invalid expression, so the model must reject the same ones, and no
//! others.

use std::thread;

use mesh_model::app_mesh::{KeyCasing, RouteSpec, Spec};
use serde_json::{Value, json};

use crate::golden::validate;

/// Valid expressions, some of which look invalid.
const VALID: &[&str] = &[
    "/.*",
    "/users/[0-9]+(/orders)?",
    "^/api/v[12]/.*$",
    "/[a-zA-Z0-9._~%-]{1,64}",
    "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "(?i)chrome|firefox|safari",
    "(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,}",
    // Groups and flags.
    "(?P<n>a)(?P<n>b)",
    "(?<name>a)",
    "(?P<1>a)",
    "(?P<ê>a)",
    "(?)a",
    "(?ii)a",
    "(?i-s:a)",
    "(?m)^a$",
    "(?U)a*",
    "()*",
    // Repetitions, and literal braces.
    "a||b",
    "^*",
    r"\b+",
    "a*?",
    "a{2}?",
    "a{,5}",
    "a{5",
    "a{01}",
    "a{1,02}",
    "a{1000000000}",
    "a(?i)*",
    "a*(?i)*",
    r"a*\Q\E*",
    "{",
    "}",
    "]",
    r"\b{start}",
    r"\d{2}",
    "x{-}",
    "(?:a{31}){32}",
    "(?:a{0}){1000}",
    // Escapes.
    r"\Qa.b*\E",
    r"\Qa.b",
    r"\Qab\E{3}",
    r"\_\@\ \/\<\-",
    r"\a\f\t\n\r\v",
    r"\A\b\B\z",
    r"\C",
    r"\0\12\377",
    r"\xff\x{ff}\x{00000ff}",
    r"\pN\PN\p{Greek}\P{^Greek}\p{^N}\p{Any}",
    // Classes.
    "[]a]",
    "[^]a]",
    "[a-]",
    "[--a]",
    "[+--]",
    "[a-b-c]",
    r"[\d-z]",
    r"[\pN\p{Greek}a-z]",
    r"[\x{41}-\x{5a}]",
    "[[a]]",
    "[a&&b]",
    "[a~~b]",
    "[[:alpha:][:^digit:]-z]",
    "[:alpha:]",
    "[[=a=]]",
    r"[^\x00-\xff]",
    // Beyond ASCII: bytes, not characters.
    "é€+",
    "[é-è]",
    // Programs that are large, but not too large.
    ".{0,255}",
    "[a-z]{1,498}",
    "[a-z]{1,500}[a-z]*",
    "(?:[ab]|c){0,400}[abc]*",
    "(?:[a-z]+)+(?:[a-z]{2,500})",
    "(?:[a-z]{0,900}){0}",
    "^/static/[a-zA-Z0-9._-]{0,190}/",
];

/// Invalid expressions.
const REFUSED: &[&str] = &[
    "(",
    ")",
    "/a(b",
    "/a)b",
    "(?:",
    "(?P<n>",
    "[",
    "[]",
    "[^]",
    r"[a\]",
    "[[:alpha:]",
    "[[:foo:]]",
    "a\\",
    // Groups of other dialects.
    "(?=a)",
    "(?!a)",
    "(?<=a)",
    "(?<!a)",
    "(?>a)",
    "(?#c)",
    "(?x)a",
    "(?u)a",
    "(?R)",
    "(?P=n)",
    "(?P>n)",
    "(?'n'a)",
    "(?P<n",
    "(?P<>a)",
    "(?P<n-m>a)",
    "(?<é>a)",
    "(?i-)a",
    "(?--i)a",
    "(?",
    // Repetitions.
    "*",
    "{2}",
    "a|*",
    "(*)",
    "(?i)*",
    r"\Q\E*",
    "a**",
    "a*+",
    "a++",
    "a*{2}",
    "a{2}{3}",
    "a*??",
    "a{2,1}",
    "a{1001}",
    "a{1001,}",
    "a{999999999}",
    "(a{32}){32}",
    "((a{10}){10}){11}",
    "(?:a{0,501}|b){2}",
    // Escapes of other dialects.
    r"\1",
    r"\8",
    r"\400",
    r"\Z",
    r"\G",
    r"\X",
    r"\R",
    r"\K",
    r"\h",
    r"\E",
    r"\cA",
    r"\u00e9",
    r"\N{x}",
    r"\k<n>",
    r"\é",
    r"\xf",
    r"\x{}",
    r"\x{ fe}",
    r"\x{100}",
    r"\p",
    r"\p{",
    r"\p{}",
    r"\pX",
    r"\p{greek}",
    r"\p{Letter}",
    r"\p{L&}",
    r"[\b]",
    r"[\Qa\E]",
    r"[a-\d]",
    r"[a-\pN]",
    "[b-a]",
    "[a--b]",
    "[é-a]",
    // Programs that are too large.
    "a{1000}",
    "[a-z]{1,499}",
    "/static/[a-zA-Z0-9._-]{0,200}/",
    "(.{0,32}/){32}",
];

#[test]
fn envoy_accepts_what_the_model_accepts() {
    for expression in VALID {
        assert_eq!(checked_by_the_model(expression), Ok(()), "{expression}");
    }
    let result = checked_by_envoy(VALID);
    assert_eq!(result, Ok(()), "all expressions");
}

#[test]
fn envoy_rejects_what_the_model_rejects() {
    // One Envoy for each, as it validates the file as a whole.
    let check_rejected = |expressions: &[&str]| {
        for expression in expressions {
            let diagnostic = checked_by_the_model(expression).expect_err(expression);
            assert!(
                diagnostic.starts_with("spec.httpRoute.match.path.regex: is `"),
                "{diagnostic}"
            );
            assert!(
                checked_by_envoy(&[expression]).is_err(),
                "Envoy accepts {expression}: {diagnostic}"
            );
        }
    };
    thread::scope(|scope| {
        for some in REFUSED.chunks(REFUSED.len().div_ceil(4)) {
            scope.spawn(move || check_rejected(some));
        }
    });
}

fn checked_by_the_model(expression: &str) -> Result<(), String> {
    let document = json!({"httpRoute": {
        "match": {"path": {"regex": expression}},
        "action": {"weightedTargets": [{"virtualNode": "blue", "weight": 1}]},
    }});
    let read = RouteSpec::read(&document, KeyCasing::Camel, "spec");
    read.map(drop).map_err(|diagnostics| diagnostics.to_string())
}

/// One route for each expression.
fn checked_by_envoy(expressions: &[&str]) -> Result<(), String> {
    let routes = expressions.iter().map(|expression| {
        json!({
            "match": {"safe_regex": {"regex": expression}},
            "direct_response": {"status": 200},
        })
    });
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "judge",
        "http_filters": [{
            "name": "envoy.filters.http.router",
            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
        }],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes.collect::<Value>()}]},
    });
    validate::check_rejected(&json!({
        // As in the App Mesh agent's bootstrap.
        "layered_runtime": {"layers": [{
            "name": "static_layer_0",
            "static_layer": {"re2.max_program_size.error_level": 1000},
        }]},
        "static_resources": {"listeners": [{
            "name": "judge",
            // No listener is opened in this mode.
            "address": {"socket_address": {"address": "127.0.0.1", "port_value": 40001}},
            "filter_chains": [{"filters": [{
                "name": "envoy.filters.network.http_connection_manager",
                "typed_config": manager,
            }]}],
        }]},
    }))
}
