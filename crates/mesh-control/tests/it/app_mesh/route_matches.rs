//! Route matches: paths, methods, schemes, headers and query parameters.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::demo_mesh::{conditions, http, marked};

use super::http2_fixture::HttpFixture;

#[tokio::test]
async fn paths_are_matched_by_exact_regex_and_prefix() {
    let fixture = HttpFixture::with(&[
        ("exact", http(json!({"path": {"exact": "/cart"}}), &[("blue", 1)])),
        (
            "regex",
            http(json!({"path": {"regex": "/item/[0-9]+"}}), &[("blue", 1)]),
        ),
        ("prefix", http(json!({"prefix": "/old"}), &[("blue", 1)])),
        ("rest", http(json!({"prefix": "/"}), &[("green", 1)])),
    ])
    .await;
    for path in ["/cart", "/cart?a=b", "/item/17", "/old", "/old/one", "/older"] {
        assert_eq!(fixture.get(path).await, "blue", "{path}");
    }
    for path in ["/", "/cart/", "/cartoon", "/item/x", "/item/17/x", "/Old"] {
        assert_eq!(fixture.get(path).await, "green", "{path}");
    }
}

#[tokio::test]
async fn methods_and_query_parameters_are_matched() {
    let exact = json!([{"name": "page", "match": {"exact": "2"}}]);
    let present = json!([{"name": "debug"}]);
    let fixture = HttpFixture::with(&[
        (
            "post",
            http(json!({"prefix": "/post", "method": "POST"}), &[("blue", 1)]),
        ),
        (
            "page",
            http(json!({"prefix": "/page", "queryParameters": exact}), &[("blue", 1)]),
        ),
        (
            "debug",
            http(json!({"prefix": "/debug", "queryParameters": present}), &[("blue", 1)]),
        ),
    ])
    .await;
    let at = format!("http://{}/post", fixture.caller.egress());
    for (method, expected) in [(Method::POST, 200), (Method::PUT, 404), (Method::GET, 404)] {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let request = client.request(method.clone(), &at).header("host", "shop.demo");
        assert_eq!(fixture.caller.response(request).await.status, expected, "{method}");
    }
    for path in ["/page?page=2", "/page?a=b&page=2", "/debug?debug", "/debug?debug=1"] {
        assert_eq!(fixture.get(path).await, "blue", "{path}");
    }
    for path in ["/page?page=3", "/page?page=22", "/page", "/debug", "/debug?page=2"] {
        let response = fixture.caller.get("shop.demo", path).await;
        assert_eq!(marked(&response), (404, Some("no-route")), "{path}");
    }
}

#[tokio::test]
async fn every_header_match_and_its_inversion() {
    let mut routes = Vec::new();
    for (kind, condition, ..) in conditions() {
        for (name, invert) in [(format!("x-{kind}"), false), (format!("x-not-{kind}"), true)] {
            // A header selects the route under test.
            let mut header = json!({"name": name, "invert": invert});
            if !condition.is_null() {
                header["match"] = condition.clone();
            }
            let tried = json!({"name": "tried", "match": {"exact": name}});
            let matching = json!({"prefix": "/", "headers": [header, tried]});
            routes.push((name, http(matching, &[("blue", 1)])));
        }
    }
    let routes: Vec<(&str, Value)> = routes
        .iter()
        .map(|(name, route)| (name.as_str(), route.clone()))
        .collect();
    let fixture = HttpFixture::with(&routes).await;
    for (kind, _, fits, fails) in conditions() {
        let (plain, inverted) = (format!("x-{kind}"), format!("x-not-{kind}"));
        let status = async |name: &str, value: Option<&str>| {
            let mut headers = vec![("tried", name)];
            headers.extend(value.map(|value| (name, value)));
            fixture.with_headers(&headers).await.status
        };
        assert_eq!(status(&plain, Some(fits)).await, 200, "{kind}");
        assert_eq!(status(&plain, fails).await, 404, "{kind}");
        assert_eq!(status(&plain, None).await, 404, "{kind} without the header");
        assert_eq!(status(&inverted, Some(fits)).await, 404, "not {kind}");
        assert_eq!(status(&inverted, fails).await, 200, "not {kind}");
        // A missing header matches only its absence.
        let absent = if kind == "present" { 200 } else { 404 };
        assert_eq!(status(&inverted, None).await, absent, "not {kind}, without the header");
    }
}

#[tokio::test]
async fn all_conditions_of_a_route_must_hold() {
    let matching = json!({
        "prefix": "/", "method": "GET",
        "headers": [{"name": "a", "match": {"exact": "1"}}, {"name": "b", "invert": true}],
        "queryParameters": [{"name": "c"}, {"name": "d", "match": {"exact": "4"}}],
    });
    let fixture = HttpFixture::with(&[
        ("all", http(matching, &[("blue", 1)])),
        ("rest", http(json!({"prefix": "/"}), &[("green", 1)])),
    ])
    .await;
    for (path, headers, expected) in [
        ("/?c&d=4", &[("a", "1")][..], "blue"),
        ("/?c&d=4", &[("a", "2")], "green"),
        ("/?c&d=4", &[("a", "1"), ("b", "")], "green"),
        ("/?d=4", &[("a", "1")], "green"),
        ("/?c", &[("a", "1")], "green"),
    ] {
        let mut request = fixture.caller.request(fixture.caller.egress(), "shop.demo", path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        assert_eq!(
            fixture.caller.response(request).await.body,
            expected,
            "{path} {headers:?}"
        );
    }
}

#[tokio::test]
async fn every_method_but_connect_is_matched() {
    let methods = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT",
    ];
    let routes = methods.map(|method| {
        let matching = json!({"prefix": format!("/{method}"), "method": method});
        (method.to_ascii_lowercase(), http(matching, &[("blue", 1)]))
    });
    let routes: Vec<(&str, Value)> = routes
        .iter()
        .map(|(name, route)| (name.as_str(), route.clone()))
        .collect();
    let fixture = HttpFixture::with(&routes).await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    for wanted in methods {
        for method in methods.into_iter().filter(|method| *method != "CONNECT") {
            let at = format!("http://{}/{wanted}", fixture.caller.egress());
            let method: Method = method.parse().expect("a method");
            let request = client.request(method.clone(), at).header("host", "shop.demo");
            let expected = if method == wanted { 200 } else { 404 };
            let response = fixture.caller.response(request).await;
            assert_eq!(response.status, expected, "{method} {wanted}");
        }
    }
    let notes = fixture.demo.notes("virtualNode/caller").await;
    assert!(
        notes[0].contains("`connect`") && notes[0].contains("CONNECT"),
        "{notes:?}"
    );
}

#[tokio::test]
async fn the_scheme_is_that_of_the_first_hop() {
    let fixture = HttpFixture::with(&[
        ("plain", http(json!({"prefix": "/", "scheme": "http"}), &[("blue", 1)])),
        (
            "secured",
            http(json!({"prefix": "/", "scheme": "https"}), &[("green", 1)]),
        ),
    ])
    .await;
    assert_eq!(fixture.get("/").await, "blue");
    // The TLS terminator reports it.
    let forwarded = fixture.with_headers(&[("x-forwarded-proto", "https")]).await;
    assert_eq!(forwarded.body, "green");
}

#[tokio::test]
async fn paths_are_normalized_before_they_are_matched() {
    let fixture = HttpFixture::with(&[
        ("cart", http(json!({"path": {"exact": "/cart/1"}}), &[("blue", 1)])),
        ("rest", http(json!({"prefix": "/"}), &[("green", 1)])),
    ])
    .await;
    for (path, expected) in [
        ("/cart/1", "blue"),
        ("/x/../cart/1", "blue"),
        ("//cart//1", "blue"),
        ("/cart/./1", "blue"),
        ("/%63art/1", "blue"),
        ("/cart%2F1", "green"),
    ] {
        // Clients normalize paths, so this request is written as bytes.
        let mut connection = TcpStream::connect(fixture.caller.egress())
            .await
            .expect("Envoy listens");
        let request = format!("GET {path} HTTP/1.1\r\nhost: shop.demo\r\nconnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).await.expect("Envoy reads");
        let mut response = String::new();
        connection.read_to_string(&mut response).await.expect("a response");
        assert!(response.ends_with(expected), "{path}: {response}");
    }
}
