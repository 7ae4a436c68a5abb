//! Load balancers: rules, target groups, health checks, redirects and TLS, through a real Envoy.

mod fixture;
mod targets;
mod tls;

use std::collections::BTreeMap;

use mesh_control::XdsProtocol;
use mesh_model::load_balancer::{
    Action, Condition, FixedResponse, Forward, ForwardedFor, Pattern, QueryParameter, Redirect, RedirectPart,
};

use self::fixture::{Balancer, forward_to, http_listener, rule};
use crate::harness::{Behaviour, Upstream, eventually, in_both_protocols};

in_both_protocols!(rules_select_the_target_group);

fn wildcards(patterns: &[&str]) -> Vec<Pattern> {
    patterns
        .iter()
        .map(|pattern| Pattern::Wildcard((*pattern).to_owned()))
        .collect()
}

fn query(key: Option<&str>, value: &str) -> Condition {
    Condition::Query(vec![QueryParameter {
        key: key.map(str::to_owned),
        value: value.to_owned(),
    }])
}

/// Each kind of condition, alone and with others; the first rule that matches wins.
async fn rules_select_the_target_group(protocol: XdsProtocol) {
    let names = [
        "path", "host", "header", "method", "query", "value", "source", "default",
    ];
    let mut listener = http_listener("default");
    listener.rules = vec![
        rule(
            vec![
                Condition::Path(wildcards(&["/api/*", "/v?/x"])),
                Condition::Host(wildcards(&["*.both.test"])),
            ],
            forward_to("host"),
        ),
        rule(
            vec![Condition::Path(wildcards(&["/api/*", "/v?/x"]))],
            forward_to("path"),
        ),
        rule(vec![Condition::Host(wildcards(&["*.Shop.test"]))], forward_to("host")),
        rule(
            vec![Condition::Header {
                name: "X-Beta".to_owned(),
                values: wildcards(&["on", "tr*e"]),
            }],
            forward_to("header"),
        ),
        rule(vec![Condition::Method(vec!["DELETE".to_owned()])], forward_to("method")),
        rule(
            vec![query(Some("version"), "v?"), query(Some("a"), "*")],
            forward_to("query"),
        ),
        rule(vec![query(None, "sale*")], forward_to("value")),
        rule(
            vec![
                Condition::SourceIp(vec!["127.0.0.0/8".parse().expect("a block")]),
                Condition::Path(wildcards(&["/from"])),
            ],
            forward_to("source"),
        ),
        rule(
            vec![
                Condition::SourceIp(vec!["192.0.2.0/24".parse().expect("a block")]),
                Condition::Path(wildcards(&["/elsewhere"])),
            ],
            forward_to("source"),
        ),
    ];
    let balancer = Balancer::start(protocol, BTreeMap::from([(80, listener)])).await;
    let mut upstreams = Vec::new();
    for name in names {
        let upstream = Upstream::start(name, Behaviour::Name).await;
        balancer.set_targets(name, &[upstream.address]);
        upstreams.push(upstream);
    }
    balancer.settled().await;
    for (method, path, headers, expected) in [
        ("GET", "/api/1", vec![], "path"),
        ("GET", "/api/1?x=/y", vec![], "path"),
        ("GET", "/api/1", vec![("host", "a.both.test")], "host"),
        ("GET", "/v1/x", vec![], "path"),
        ("GET", "/API/1", vec![], "default"),
        ("GET", "/v12/x", vec![], "default"),
        ("GET", "/api", vec![], "default"),
        ("GET", "/", vec![("host", "WWW.shop.TEST")], "host"),
        ("GET", "/", vec![("host", "www.shop.test:8080")], "host"),
        ("GET", "/", vec![("host", "shop.test")], "default"),
        ("GET", "/", vec![("x-beta", "ON")], "header"),
        ("GET", "/", vec![("x-beta", "trUe")], "header"),
        ("GET", "/", vec![("x-beta", "off")], "default"),
        ("DELETE", "/", vec![], "method"),
        ("GET", "/?version=v1&a=", vec![], "query"),
        ("GET", "/?b=1&VERSION=V1&a=2&c=3", vec![], "query"),
        ("GET", "/?version=v1", vec![], "default"),
        ("GET", "/?version=v12&a=1", vec![], "default"),
        ("GET", "/?any=sale-7", vec![], "value"),
        ("GET", "/?sale", vec![], "value"),
        ("GET", "/?any=for-sale", vec![], "default"),
        ("GET", "/from", vec![], "source"),
        ("GET", "/elsewhere", vec![], "default"),
    ] {
        let (status, body) = balancer.send(method, path, &headers).await;
        assert_eq!((status, body.as_str()), (200, expected), "{method} {path} {headers:?}");
    }
}

#[tokio::test]
async fn weights_divide_requests_and_cookies_keep_a_client() {
    let mut listener = http_listener("blue");
    listener.default_action = Action::Forward(Forward {
        target_groups: vec![
            ("blue".to_owned(), 30),
            ("green".to_owned(), 70),
            ("none".to_owned(), 0),
        ],
        stickiness: None,
    });
    let balancer = Balancer::start(XdsProtocol::Delta, BTreeMap::from([(80, listener.clone())])).await;
    let blue = Upstream::start("blue", Behaviour::Name).await;
    let green = Upstream::start("green", Behaviour::Name).await;
    balancer.set_targets("blue", &[blue.address]);
    balancer.set_targets("green", &[green.address]);
    balancer.settled().await;
    for _ in 0..200 {
        assert_eq!(balancer.send("GET", "/", &[]).await.0, 200);
    }
    let to_blue = blue.requests();
    assert!((30..=90).contains(&to_blue), "{to_blue} of 200, with 30 of 100");

    if let Action::Forward(forward) = &mut listener.default_action {
        forward.stickiness = Some(std::time::Duration::from_secs(60));
    }
    balancer.set_listeners(BTreeMap::from([(80, listener)]));
    balancer.settled().await;
    let first = balancer.response("GET", "/", &[]).await;
    let cookie = first.cookie("AWSALBTG").expect("a cookie of the load balancer");
    for _ in 0..20 {
        let (_, body) = balancer
            .send("GET", "/", &[("cookie", &format!("a=b; {cookie}"))])
            .await;
        assert_eq!(body, first.body);
    }
}

#[tokio::test]
async fn redirects_and_fixed_responses_are_the_load_balancers_own() {
    let redirect = |to: Redirect| Action::Redirect(to);
    let text = RedirectPart::parse;
    let same = Redirect {
        is_permanent: true,
        scheme: None,
        host: text("#{host}"),
        port: None,
        path: text("/#{path}"),
        query: text("#{query}"),
    };
    let mut listener = http_listener("none");
    listener.default_action = redirect(Redirect {
        scheme: Some("https"),
        port: Some(443),
        ..same.clone()
    });
    listener.rules = vec![
        rule(
            vec![Condition::Path(wildcards(&["/old/*"]))],
            redirect(Redirect {
                is_permanent: false,
                path: text("/new/#{path}"),
                ..same.clone()
            }),
        ),
        rule(
            vec![Condition::Path(wildcards(&["/away"]))],
            redirect(Redirect {
                scheme: Some("https"),
                host: text("other.test"),
                port: Some(443),
                path: text("/start"),
                query: text("from=shop"),
                ..same.clone()
            }),
        ),
        rule(
            vec![Condition::Path(wildcards(&["/plain"]))],
            redirect(Redirect {
                query: Vec::new(),
                path: text("/"),
                ..same
            }),
        ),
        rule(
            vec![Condition::Path(wildcards(&["/health"]))],
            Action::FixedResponse(FixedResponse {
                status: 418,
                content_type: Some("application/json".to_owned()),
                body: r#"{"ok":true}"#.to_owned(),
            }),
        ),
    ];
    let mut secured = http_listener("none");
    secured.rules = Vec::new();
    // Port 443 is at another port here, which redirects to it must name.
    let balancer = Balancer::start(XdsProtocol::Delta, BTreeMap::from([(80, listener), (443, secured)])).await;
    let (here, secured) = (balancer.address(80), balancer.address(443));
    for (path, status, location) in [
        ("/a?b=c", 301, format!("https://127.0.0.1:{}/a?b=c", secured.port())),
        ("/old/1?x", 302, format!("http://{here}/new/old/1?x")),
        ("/away?x=1", 301, "https://other.test:443/start?from=shop".to_owned()),
        ("/plain?x=1", 301, format!("http://{here}/")),
    ] {
        let response = balancer.response("GET", path, &[]).await;
        assert_eq!(
            (response.status, response.header("location")),
            (status, Some(location.as_str())),
            "{path}"
        );
    }
    let fixed = balancer.response("GET", "/health", &[]).await;
    assert_eq!((fixed.status, fixed.body.as_str()), (418, r#"{"ok":true}"#));
    assert_eq!(fixed.header("content-type"), Some("application/json"));
    assert_eq!(fixed.header("server"), Some("awselb/2.0"));
}

#[tokio::test]
async fn requests_say_where_they_came_from() {
    let balancer = Balancer::start(XdsProtocol::Delta, BTreeMap::from([(80, http_listener("app"))])).await;
    let app = fixture::reflecting().await;
    balancer.set_targets("app", &[app.address]);
    balancer.settled().await;
    let forwarded = |body: &str, name: &str| {
        let line = body
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned));
        line.unwrap_or_default()
    };
    let from = [("x-forwarded-for", "203.0.113.7"), ("host", "shop.test")];
    for (mode, expected) in [
        // For a client on its own host, Envoy appends the address of that host.
        (ForwardedFor::Append, "203.0.113.7,"),
        (ForwardedFor::Preserve, "203.0.113.7"),
        (ForwardedFor::Remove, ""),
    ] {
        balancer.change(|load_balancer| load_balancer.forwarded_for = mode);
        balancer.settled().await;
        eventually("the mode is in force", async || {
            let (_, body) = balancer.send("GET", "/", &from).await;
            let seen = forwarded(&body, "x-forwarded-for");
            let is_expected = match mode {
                ForwardedFor::Append => seen.starts_with(expected) && seen != expected,
                ForwardedFor::Preserve | ForwardedFor::Remove => seen == expected,
            };
            if is_expected { Ok(()) } else { Err(body) }
        })
        .await;
    }
    let (_, body) = balancer.send("GET", "/", &from).await;
    assert_eq!(forwarded(&body, "x-forwarded-proto"), "http");
    assert_eq!(forwarded(&body, "x-forwarded-port"), "80");
    assert_eq!(forwarded(&body, "host"), "shop.test");
    assert!(!body.contains("x-envoy-"), "{body}");
    // `1-` and 8 digits of the time, `-` and 24 random ones.
    let is_id = |text: &str| {
        let parts: Vec<&str> = text.split('-').collect();
        let is_hex = |part: &str, count| part.len() == count && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        matches!(parts.as_slice(), ["1", time, random] if is_hex(time, 8) && is_hex(random, 24))
    };
    let id = forwarded(&body, "x-amzn-trace-id");
    assert!(id.strip_prefix("Root=").is_some_and(is_id), "{id}");
    for (given, kept) in [
        (
            "Root=1-5f84c7a3-0123456789abcdef01234567;CalledFrom=app",
            "Root=1-5f84c7a3-0123456789abcdef01234567;CalledFrom=app",
        ),
        (
            "Self=1-1-1;Root=1-5f84c7a3-0123456789abcdef01234567",
            "Root=1-5f84c7a3-0123456789abcdef01234567",
        ),
    ] {
        let (_, body) = balancer.send("GET", "/", &[("x-amzn-trace-id", given)]).await;
        let id = forwarded(&body, "x-amzn-trace-id");
        let own = id
            .strip_prefix("Self=")
            .and_then(|id| id.strip_suffix(kept)?.strip_suffix(';'));
        assert!(own.is_some_and(is_id), "{id}");
    }
    let (_, body) = balancer
        .send("GET", "/", &[("x-amzn-trace-id", "CalledFrom=app")])
        .await;
    let id = forwarded(&body, "x-amzn-trace-id");
    assert!(id.starts_with("Root=1-") && id.ends_with(";CalledFrom=app"), "{id}");
}
