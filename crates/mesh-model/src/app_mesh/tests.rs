//! Round trips of documents, and their validation as a whole.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::document::parse;
use super::schema::{Schema, Shape};
use super::*;
use sidecar_contract::ValidationErrors;

/// Any document that a schema allows.
fn documents(shape: &'static Shape, in_gateway: bool) -> BoxedStrategy<Value> {
    match shape {
        Shape::Structure { .. } => shape
            .fields(in_gateway)
            .into_iter()
            .map(|field| {
                let (name, required) = (field.name, field.required);
                let present = any::<bool>().prop_map(move |present| required || present);
                (present, documents(field.shape, in_gateway))
                    .prop_map(move |(present, value)| present.then_some((name, value)))
            })
            .collect::<Vec<_>>()
            .prop_map(|fields| object(fields.into_iter().flatten()))
            .boxed(),
        Shape::Union(_) => prop::sample::select(shape.fields(in_gateway))
            .prop_flat_map(move |field| {
                documents(field.shape, in_gateway).prop_map(|value| object([(field.name, value)]))
            })
            .boxed(),
        Shape::List { of, min, max } => prop::collection::vec(documents(of, in_gateway), *min..=(*max).min(min + 2))
            .prop_map(Value::from)
            .boxed(),
        Shape::Text { min, max } => prop::collection::vec(prop::char::any(), *min..=(*max).min(min + 4))
            .prop_map(|letters| letters.into_iter().collect::<String>().into())
            .boxed(),
        Shape::Printable { .. } => "[!-~]{1,9}".prop_map(Value::from).boxed(),
        Shape::Keyword(_) => prop::sample::select(shape.keywords(in_gateway))
            .prop_map(Value::from)
            .boxed(),
        // The limits themselves as well: the struct's integer type has to hold them.
        Shape::Whole { min, max } => prop_oneof![Just(*min), Just(*max), *min..=*max]
            .prop_map(Value::from)
            .boxed(),
        Shape::Flag => any::<bool>().prop_map(Value::from).boxed(),
    }
}

fn object(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
    Value::Object(fields.collect::<Map<_, _>>())
}

/// The document without empty lists, which are read as absent.
fn without_empty_lists(document: Value, required: &[&str]) -> Value {
    match document {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(name, value)| required.contains(&name.as_str()) || *value != json!([]))
            .map(|(name, value)| (name, without_empty_lists(value, required)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items
            .into_iter()
            .map(|item| without_empty_lists(item, required))
            .collect(),
        scalar => scalar,
    }
}

/// Lists that are written even if they are empty: required ones, and those in unions.
const WRITTEN_EMPTY: [&str; 4] = ["weightedTargets", "exact", "json", "certificateAuthorityArns"];

fn round_trip<S: Spec>(document: &Value) {
    let required: Vec<&str> = WRITTEN_EMPTY
        .into_iter()
        .chain((S::KIND == Kind::VirtualGateway).then_some("listeners"))
        .collect();
    let expected = without_empty_lists(document.clone(), &required);
    let read: S =
        parse(document, KeyCasing::Camel, "").unwrap_or_else(|diagnostics| panic!("{diagnostics}\n{document:#}"));
    // Objects are compared by content: serde_json keeps their order but does not compare it.
    assert_eq!(read.write(KeyCasing::Camel), expected);
    let written = read.write(KeyCasing::Pascal);
    let again: S = parse(&written, KeyCasing::Pascal, "").unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
    assert_eq!(again.write(KeyCasing::Camel), expected);
}

fn json_values() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z]{0,4}".prop_map(Value::from),
    ];
    let names = prop::sample::select(vec![
        "listeners",
        "httpRoute",
        "match",
        "provider",
        "x",
        "tls",
        "action",
    ]);
    scalar.prop_recursive(5, 40, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names.clone(), inner, 0..4).prop_map(object),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn allowed_documents_round_trip(
        documents in [
            documents(MeshSpec::SHAPE, false),
            documents(VirtualNodeSpec::SHAPE, false),
            documents(VirtualRouterSpec::SHAPE, false),
            documents(RouteSpec::SHAPE, false),
            documents(VirtualServiceSpec::SHAPE, false),
            documents(VirtualGatewaySpec::SHAPE, true),
            documents(GatewayRouteSpec::SHAPE, false),
        ],
    ) {
        let [mesh, node, router, route, service, gateway, gateway_route] = documents;
        round_trip::<MeshSpec>(&mesh);
        round_trip::<VirtualNodeSpec>(&node);
        round_trip::<VirtualRouterSpec>(&router);
        round_trip::<RouteSpec>(&route);
        round_trip::<VirtualServiceSpec>(&service);
        round_trip::<VirtualGatewaySpec>(&gateway);
        round_trip::<GatewayRouteSpec>(&gateway_route);
    }

    #[test]
    fn other_documents_are_rejected_without_panic(document in json_values()) {
        let _read = VirtualNodeSpec::read(&document, KeyCasing::Camel, "spec");
        let _read = RouteSpec::read(&document, KeyCasing::Pascal, "spec");
        let _read = GatewayRouteSpec::read(&document, KeyCasing::Camel, "spec");
    }
}

fn rejected<S: Spec + std::fmt::Debug>(document: Value) -> String {
    S::read(&document, KeyCasing::Camel, "spec")
        .expect_err("the document is rejected")
        .to_string()
}

#[test]
fn all_invalid_fields_are_reported() {
    let diagnostics = rejected::<VirtualNodeSpec>(json!({
        "listeners": [{
            "portMapping": {"port": 0, "protocol": "https"},
            "healthCheck": {"protocol": "http", "intervalMillis": 1, "timeoutMillis": 2000, "healthyThreshold": 2},
            "timeouts": {}
        }],
        "serviceDiscovery": {"dns": {"hostname": "a"}, "awsCloudMap": {"namespaceName": "", "serviceName": "s"}},
        "backends": {}
    }));
    assert_eq!(
        diagnostics,
        "spec.listeners[0].portMapping.port: is 0; allowed is a whole number from 1 to 65535\n\
         spec.listeners[0].portMapping.protocol: is \"https\"; allowed is http, http2, grpc, tcp\n\
         spec.listeners[0].healthCheck.intervalMillis: is 1; allowed is a whole number from 5000 to 300000\n\
         spec.listeners[0].healthCheck.unhealthyThreshold: is missing\n\
         spec.listeners[0].timeouts: is not a known field; known are portMapping, tls, healthCheck, timeout, connectionPool, outlierDetection\n\
         spec.serviceDiscovery.awsCloudMap.namespaceName: is \"\"; allowed is a string of 1 to 1024 characters\n\
         spec.serviceDiscovery: has 2 of dns, awsCloudMap; exactly one is allowed\n\
         spec.backends: is {}; allowed is a list"
    );
}

#[test]
fn mirrors_are_read_on_http_routes_only_and_need_an_existing_node() {
    let action = json!({"weightedTargets": [{"virtualNode": "blue", "weight": 1}]});
    let mirrors = |percentage: u32| json!([{"virtualNode": "green", "percentage": percentage}]);
    let route = json!({"httpRoute": {"match": {"prefix": "/"}, "action": action, "mirrors": mirrors(10)}});
    round_trip::<RouteSpec>(&route);
    for percentage in [0, 101] {
        let mut invalid = route.clone();
        invalid["httpRoute"]["mirrors"] = mirrors(percentage);
        let rejected = rejected::<RouteSpec>(invalid);
        let expected = format!("spec.httpRoute.mirrors[0].percentage: is {percentage}; ");
        assert!(rejected.starts_with(&expected), "{rejected}");
    }
    let tcp = rejected::<RouteSpec>(json!({"tcpRoute": {"action": action, "mirrors": mirrors(10)}}));
    assert!(tcp.contains("mirrors"), "{tcp}");

    let http = json!({"portMapping": {"port": 80, "protocol": "http"}});
    let node = json!({"listeners": [http], "serviceDiscovery": {"dns": {"hostname": "blue.shop"}}});
    let mut assembly = Assembly::new();
    for (path, document) in [
        ("mesh/shop", json!({})),
        ("mesh/shop/virtualNode/blue", node),
        ("mesh/shop/virtualRouter/shop", json!({"listeners": [http]})),
        ("mesh/shop/virtualRouter/shop/route/all", route),
    ] {
        let resource = ResourcePath::parse(path).expect("a path");
        assembly.add(resource, &document, KeyCasing::Camel, path);
    }
    let errors = assembly.finish().expect_err("a node is missing").to_string();
    assert!(
        errors.contains("refers to the virtual node `green`, which does not exist"),
        "{errors}"
    );
}

#[test]
fn invalid_combinations_are_rejected() {
    let target = json!({"weightedTargets": [{"virtualNode": "a", "weight": 60}, {"virtualNode": "b", "weight": 60}]});
    let diagnostics = rejected::<RouteSpec>(json!({
        "httpRoute": {
            "match": {"prefix": "/a", "path": {"exact": "/", "regex": "/"}, "headers": [
                {"name": "x", "match": {"range": {"start": 2, "end": 2}}}
            ]},
            "action": target,
            "retryPolicy": {"maxRetries": 1, "perRetryTimeout": {"value": 1}, "httpRetryEvents": ["any-error"]}
        },
        "tcpRoute": {"action": {"weightedTargets": [{"virtualNode": "a", "weight": 0}]}}
    }));
    assert_eq!(
        diagnostics,
        "spec: has httpRoute and tcpRoute; exactly one of httpRoute, http2Route, grpcRoute, tcpRoute is allowed\n\
         spec.httpRoute.match: has prefix and path; exactly one of prefix, path is allowed\n\
         spec.httpRoute.match.path: has exact and regex; exactly one of exact, regex is allowed\n\
         spec.httpRoute.match.headers[0].match.range: ends at 2, which is not after its start 2\n\
         spec.httpRoute.action.weightedTargets: has a sum of weights of 120; allowed is at most 100\n\
         spec.httpRoute.retryPolicy.perRetryTimeout: is 1 without a unit; allowed are s and ms\n\
         spec.httpRoute.retryPolicy.httpRetryEvents[0]: is `any-error`; allowed are server-error, gateway-error, client-error, stream-error"
    );
    let diagnostics = rejected::<GatewayRouteSpec>(json!({"httpRoute": {
        "match": {"prefix": "aws", "hostname": {}},
        "action": {
            "target": {"virtualService": {"virtualServiceName": "s"}},
            "rewrite": {"prefix": {"value": "x"}, "path": {"exact": "/"}}
        }
    }}));
    assert_eq!(
        diagnostics,
        "spec.httpRoute.match.prefix: is `aws`; it must start with /\n\
         spec.httpRoute.match.hostname: has none; exactly one of exact, suffix is allowed\n\
         spec.httpRoute.action.rewrite: has prefix and path; only one of them is allowed\n\
         spec.httpRoute.action.rewrite.prefix.value: is `x`; it must start and end with /"
    );
    let diagnostics = rejected::<VirtualNodeSpec>(json!({"listeners": [
        {"portMapping": {"port": 80, "protocol": "http"}, "timeout": {"tcp": {}}, "connectionPool": {"grpc": {"maxRequests": 1}}},
        {"portMapping": {"port": 80, "protocol": "grpc"}, "healthCheck": {
            "protocol": "grpc", "path": "/", "port": 81, "intervalMillis": 5000, "timeoutMillis": 2000,
            "healthyThreshold": 2, "unhealthyThreshold": 2
        }}
    ]}));
    assert_eq!(
        diagnostics,
        "spec.serviceDiscovery: is missing; a virtual node with a listener requires it\n\
         spec.listeners[1].portMapping.port: is 80, which another listener already uses\n\
         spec.listeners[0].timeout: is for tcp, but the listener's protocol is http\n\
         spec.listeners[0].connectionPool: is for grpc, but the listener's protocol is http\n\
         spec.listeners[1].healthCheck.port: is 81; only the listener's port 80 is allowed\n\
         spec.listeners[1].healthCheck.path: is set for grpc; only http and http2 have paths"
    );
}

#[test]
fn regular_expressions_are_validated_everywhere() {
    let header = json!([{"name": "x", "match": {"regex": "("}}]);
    let matching = json!({"path": {"regex": "("}, "headers": header});
    let grpc = json!({"serviceName": "s", "metadata": header});
    let action = json!({"weightedTargets": [{"virtualNode": "a", "weight": 1}]});
    let to_service = json!({"target": {"virtualService": {"virtualServiceName": "s"}}});
    let diagnostics = [
        rejected::<RouteSpec>(json!({"httpRoute": {"match": matching, "action": action}})),
        rejected::<RouteSpec>(json!({"http2Route": {"match": matching, "action": action}})),
        rejected::<RouteSpec>(json!({"grpcRoute": {"match": grpc, "action": action}})),
        rejected::<GatewayRouteSpec>(json!({"httpRoute": {"match": matching, "action": to_service}})),
        rejected::<GatewayRouteSpec>(json!({"http2Route": {"match": matching, "action": to_service}})),
        rejected::<GatewayRouteSpec>(json!({"grpcRoute": {"match": grpc, "action": to_service}})),
    ];
    let message = "is `(`; at character 1, `(` starts a group that is not closed";
    let at = |field: &str| format!("spec.{field}.regex: {message}");
    let both = |kind: &str| {
        [format!("{kind}.match.path"), format!("{kind}.match.headers[0].match")]
            .map(|field| at(&field))
            .join("\n")
    };
    let expected = [
        both("httpRoute"),
        both("http2Route"),
        at("grpcRoute.match.metadata[0].match"),
        both("httpRoute"),
        both("http2Route"),
        at("grpcRoute.match.metadata[0].match"),
    ];
    assert_eq!(diagnostics, expected);
}

#[test]
fn cloudformation_has_pascal_case_keys_and_numbers_as_strings() {
    let document = json!({
        "Listeners": [{"PortMapping": {"Port": "8080", "Protocol": "http"}, "TLS": {
            "Mode": "STRICT", "Certificate": {"SDS": {"SecretName": "s"}}
        }}],
        "ServiceDiscovery": {"AWSCloudMap": {"NamespaceName": "n", "ServiceName": "s"}},
        "BackendDefaults": {"ClientPolicy": {"TLS": {"Enforce": "false", "Validation": {"Trust": {"File": {"CertificateChain": "c"}}}}}}
    });
    let node = VirtualNodeSpec::read(&document, KeyCasing::Pascal, "Spec").unwrap();
    assert_eq!(node.listeners[0].port_mapping.port, 8080);
    let api = node.write(KeyCasing::Camel);
    assert_eq!(api["listeners"][0]["tls"]["certificate"]["sds"]["secretName"], "s");
    assert_eq!(api["backendDefaults"]["clientPolicy"]["tls"]["enforce"], false);
    let diagnostic = VirtualNodeSpec::read(&document, KeyCasing::Camel, "spec")
        .unwrap_err()
        .to_string();
    assert!(
        diagnostic.starts_with("spec.Listeners: is not a known field; known are listeners"),
        "{diagnostic}"
    );
    let numbers = json!({"listeners": [{"portMapping": {"port": "80", "protocol": "http"}}]});
    assert!(
        VirtualRouterSpec::read(&numbers, KeyCasing::Camel, "spec").is_err(),
        "the API accepts no strings for numbers"
    );
}

fn spec<S: Spec>(document: Value) -> S {
    S::read(&document, KeyCasing::Camel, "spec").unwrap_or_else(|diagnostics: ValidationErrors| panic!("{diagnostics}"))
}

#[test]
fn dangling_references_are_reported() {
    let node = |ports: &[(u16, &str)], backends: &[&str]| -> VirtualNodeSpec {
        spec(json!({
            "listeners": ports.iter().map(|(port, protocol)| json!({"portMapping": {"port": port, "protocol": protocol}})).collect::<Value>(),
            "serviceDiscovery": {"dns": {"hostname": "h"}},
            "backends": backends.iter().map(|name| json!({"virtualService": {"virtualServiceName": name}})).collect::<Value>()
        }))
    };
    let route = |target: Value| -> RouteSpec {
        spec(json!({"httpRoute": {"match": {"prefix": "/"}, "action": {"weightedTargets": [target]}}}))
    };
    let service = |provider: Value| -> VirtualServiceSpec { spec(json!({ "provider": provider })) };
    let mut topology = Topology {
        name: "m".to_owned(),
        ..Topology::default()
    };
    topology
        .virtual_nodes
        .insert("a".to_owned(), node(&[(80, "http")], &["b.m", "db.m", "cache.m"]));
    topology
        .virtual_nodes
        .insert("b".to_owned(), node(&[(80, "http"), (81, "grpc")], &[]));
    topology
        .virtual_nodes
        .insert("db".to_owned(), node(&[(5432, "tcp")], &[]));
    let routes = [
        ("to-a", route(json!({"virtualNode": "a", "weight": 1}))),
        ("to-b", route(json!({"virtualNode": "b", "weight": 1, "port": 80}))),
    ];
    topology.virtual_routers.insert(
        "r".to_owned(),
        topology::VirtualRouter {
            spec: spec(json!({"listeners": [{"portMapping": {"port": 80, "protocol": "http"}}]})),
            routes: routes.map(|(name, route)| (name.to_owned(), route)).into(),
        },
    );
    topology.virtual_services.insert(
        "b.m".to_owned(),
        service(json!({"virtualRouter": {"virtualRouterName": "r"}})),
    );
    topology.virtual_services.insert(
        "db.m".to_owned(),
        service(json!({"virtualNode": {"virtualNodeName": "db"}})),
    );
    topology.virtual_services.insert(
        "cache.m".to_owned(),
        service(json!({"virtualNode": {"virtualNodeName": "cache"}})),
    );
    topology
        .virtual_nodes
        .insert("cache".to_owned(), node(&[(6379, "tcp")], &[]));
    assert_eq!(topology.validate(), []);

    topology
        .virtual_nodes
        .insert("cache".to_owned(), node(&[(5432, "tcp")], &["gone.m"]));
    topology.virtual_services.insert(
        "x.m".to_owned(),
        service(json!({"virtualRouter": {"virtualRouterName": "s"}})),
    );
    let router = topology.virtual_routers.get_mut("r").expect("a router");
    for (name, target) in [
        ("no-node", json!({"virtualNode": "z", "weight": 1})),
        ("no-port", json!({"virtualNode": "b", "weight": 1})),
        ("wrong-kind", json!({"virtualNode": "b", "weight": 1, "port": 81})),
        ("wrong-port", json!({"virtualNode": "b", "weight": 1, "port": 82})),
    ] {
        router.routes.insert(name.to_owned(), route(target));
    }
    topology.virtual_gateways.insert(
        "g".to_owned(),
        topology::VirtualGateway {
            spec: spec(json!({"listeners": [{"portMapping": {"port": 8080, "protocol": "http"}}]})),
            gateway_routes: [(
                "in".to_owned(),
                spec(json!({"httpRoute": {
                    "match": {"prefix": "/", "port": 1},
                    "action": {"target": {"virtualService": {"virtualServiceName": "y.m"}}}
                }})),
            )]
            .into(),
        },
    );
    let errors: Vec<String> = topology.validate().iter().map(ToString::to_string).collect();
    assert_eq!(
        errors,
        [
            "virtual service `x.m`: refers to the virtual router `s`, which does not exist",
            "virtual node `a`: has two backends on TCP port 5432, `db.m` and `cache.m`; TCP connections are distinguished by port only",
            "virtual node `cache`: has a backend that does not exist: virtual service `gone.m`",
            "route `no-node` of virtual router `r`: refers to the virtual node `z`, which does not exist",
            "route `no-port` of virtual router `r`: needs a port, since virtual node `b` has several: 80, 81",
            "route `wrong-kind` of virtual router `r`: is a route for http, but virtual node `b` has the protocol grpc",
            "route `wrong-port` of virtual router `r`: names port 82, which virtual node `b` does not have; it has 80, 81",
            "gateway route `in` of virtual gateway `g`: its match names port 1, which the gateway does not have; it has 8080",
            "gateway route `in` of virtual gateway `g`: refers to the virtual service `y.m`, which does not exist",
        ]
    );
}
