//! Generated meshes, valid as a whole, that use every kind of resource and most fields.

use std::collections::BTreeMap;

use app_mesh_migrate::{MeshDocument, Meshes};
use mesh_model::app_mesh::{KeyCasing, Kind, ResourcePath, ResourceSpec};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value as Json, json};

/// Meshes with one to four virtual nodes, one router and one gateway.
pub(crate) fn meshes() -> impl Strategy<Value = Meshes> {
    select(vec!["http", "http2", "grpc"]).prop_flat_map(meshes_of)
}

/// Meshes with one protocol: routes and their targets have the same.
fn meshes_of(protocol: &'static str) -> impl Strategy<Value = Meshes> {
    let nodes = prop::collection::vec(
        (
            listener(protocol),
            discovery(),
            any::<bool>(),
            logging(),
            client_policy(),
        ),
        1..4,
    );
    let routes = prop::collection::vec((route_match(protocol), targets(), retry(), timeout()), 1..4);
    let gateway_routes = prop::collection::vec((gateway_match(), rewrite(), priority()), 0..3);
    let egress = select(vec![
        json!({}),
        json!({"egressFilter": {"type": "ALLOW_ALL"}}),
        json!({
            "egressFilter": {"type": "DROP_ALL"}, "serviceDiscovery": {"ipPreference": "IPv4_ONLY"}
        }),
    ]);
    let tags = prop::collection::btree_map("[A-Za-z]{1,8}", "[ -~&&[^\"\\\\{$]]{0,8}", 0..3);
    (egress, nodes, routes, gateway_routes, tags, priority()).prop_map(
        move |(mesh, nodes, routes, gateway_routes, tags, priority)| {
            let mut meshes = Builder::default();
            meshes.add("mesh/demo", mesh);
            let count = nodes.len();
            for (number, (listener, discovery, calls, logging, policy)) in nodes.into_iter().enumerate() {
                let mut spec = json!({"listeners": [listener], "serviceDiscovery": discovery});
                if calls {
                    let mut backend = json!({"virtualServiceName": "shop.local"});
                    if let Some(policy) = policy {
                        backend["clientPolicy"] = policy;
                    }
                    spec["backends"] = json!([{"virtualService": backend}]);
                }
                if let Some(logging) = logging {
                    spec["logging"] = logging;
                }
                meshes.add(&format!("mesh/demo/virtualNode/node-{number}"), spec);
            }
            let listener = json!({"portMapping": {"port": 8080, "protocol": protocol}});
            meshes.add("mesh/demo/virtualRouter/split", json!({"listeners": [listener]}));
            for (number, (matching, targets, retry, timeout)) in routes.into_iter().enumerate() {
                let targets: Vec<Json> = targets
                    .into_iter()
                    .map(|(index, weight)| {
                        json!({"virtualNode": format!("node-{}", index.index(count)), "weight": weight})
                    })
                    .collect();
                let mut route = json!({"match": matching, "action": {"weightedTargets": targets}});
                if let Some(mut retry) = retry {
                    if protocol == "grpc" {
                        retry["grpcRetryEvents"] = json!(["unavailable"]);
                    }
                    route["retryPolicy"] = retry;
                }
                if let Some(timeout) = timeout {
                    route["timeout"] = timeout;
                }
                let mut spec = json!({});
                spec[format!("{protocol}Route")] = route;
                if number == 0
                    && let Some(priority) = priority
                {
                    spec["priority"] = json!(priority);
                }
                meshes.add(&format!("mesh/demo/virtualRouter/split/route/route-{number}"), spec);
            }
            let provider = json!({"virtualRouter": {"virtualRouterName": "split"}});
            meshes.add("mesh/demo/virtualService/shop.local", json!({"provider": provider}));
            let listener = json!({"portMapping": {"port": 9080, "protocol": "http"}});
            meshes.add("mesh/demo/virtualGateway/door", json!({"listeners": [listener]}));
            for (number, (matching, rewrite, priority)) in gateway_routes.into_iter().enumerate() {
                let target = json!({"virtualService": {"virtualServiceName": "shop.local"}});
                let mut route = json!({"match": matching, "action": {"target": target}});
                // A custom rewrite of a prefix goes with a match by prefix.
                if let Some(rewrite) = rewrite
                    && route["match"].get("prefix").is_some()
                {
                    route["action"]["rewrite"] = rewrite;
                }
                let mut spec = json!({"httpRoute": route});
                if let Some(priority) = priority {
                    spec["priority"] = json!(priority);
                }
                meshes.add(
                    &format!("mesh/demo/virtualGateway/door/gatewayRoute/way-{number}"),
                    spec,
                );
            }
            meshes.tagged(&tags)
        },
    )
}

#[derive(Default)]
struct Builder(BTreeMap<ResourcePath, MeshDocument>);

impl Builder {
    #[track_caller]
    fn add(&mut self, path: &str, spec: Json) {
        let path = ResourcePath::parse(path).expect("a path");
        let spec = ResourceSpec::read(path.kind, &spec, KeyCasing::Camel, "");
        let spec = spec.unwrap_or_else(|errors| panic!("{path}: {errors}"));
        self.0.insert(path, MeshDocument::new(spec, BTreeMap::new()));
    }

    fn tagged(mut self, tags: &BTreeMap<String, String>) -> Meshes {
        for (path, document) in &mut self.0 {
            if path.kind == Kind::VirtualNode {
                document.tags.clone_from(tags);
            }
        }
        let mut meshes = Meshes::default();
        meshes.resources = self.0;
        meshes
    }
}

fn listener(protocol: &'static str) -> impl Strategy<Value = Json> {
    let flags = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    let extras = prop_oneof![Just((false, false, false, false, false, false)), flags];
    (1_u16..=65535, extras).prop_map(move |(port, (check, timeout, pool, outliers, tls, is_mutual))| {
        let mut listener = json!({"portMapping": {"port": port, "protocol": protocol}});
        if check {
            listener["healthCheck"] = json!({"protocol": protocol, "healthyThreshold": 2, "unhealthyThreshold": 3,
                    "intervalMillis": 5000, "timeoutMillis": 2000, "port": port});
            if protocol != "grpc" {
                listener["healthCheck"]["path"] = json!("/ping");
            }
        }
        if timeout {
            let duration = json!({"value": 1500, "unit": "ms"});
            listener["timeout"] = json!({protocol: {"perRequest": duration, "idle": {"value": 0, "unit": "s"}}});
        }
        if pool {
            let limits = match protocol {
                "http" => json!({"maxConnections": 100, "maxPendingRequests": 10}),
                _ => json!({"maxRequests": 7}),
            };
            listener["connectionPool"] = json!({protocol: limits});
        }
        if outliers {
            listener["outlierDetection"] = json!({"maxServerErrors": 5, "interval": {"value": 10, "unit": "s"},
                    "baseEjectionDuration": {"value": 30, "unit": "s"}, "maxEjectionPercent": 50});
        }
        if tls {
            let file = json!({"certificateChain": "/keys/chain.pem", "privateKey": "/keys/key.pem"});
            listener["tls"] = json!({"mode": "STRICT", "certificate": {"file": file}});
            if is_mutual {
                listener["tls"]["validation"] = json!({"trust": {"sds": {"secretName": "clients"}},
                        "subjectAlternativeNames": {"match": {"exact": ["a.local", "b.local"]}}});
            }
        }
        listener
    })
}

fn discovery() -> impl Strategy<Value = Json> {
    select(vec![
        json!({"dns": {"hostname": "node.local"}}),
        json!({"dns": {"hostname": "node.local", "responseType": "ENDPOINTS"}}),
        json!({"dns": {"hostname": "node.local", "responseType": "LOADBALANCER", "ipPreference": "IPv6_PREFERRED"}}),
        json!({"awsCloudMap": {"namespaceName": "local", "serviceName": "node"}}),
        json!({"awsCloudMap": {"namespaceName": "local", "serviceName": "node",
                               "attributes": [{"key": "color", "value": "blue"}, {"key": "stack", "value": "a b"}]}}),
    ])
}

fn logging() -> impl Strategy<Value = Option<Json>> {
    let file = |format: Json| {
        let mut file = json!({"path": "/dev/stdout"});
        if !format.is_null() {
            file["format"] = format;
        }
        json!({"accessLog": {"file": file}})
    };
    prop::option::of(select(vec![
        file(Json::Null),
        file(json!({"text": "%START_TIME% \"%REQ(:METHOD)%\"\n"})),
        file(json!({"json": [{"key": "time", "value": "%START_TIME%"}]})),
    ]))
}

fn client_policy() -> impl Strategy<Value = Option<Json>> {
    let authority = "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/a";
    prop::option::of(select(vec![
        json!({}),
        json!({"tls": {"enforce": false, "ports": [8080, 8443],
                       "validation": {"trust": {"file": {"certificateChain": "/keys/ca.pem"}}}}}),
        json!({"tls": {"validation": {"trust": {"acm": {"certificateAuthorityArns": [authority]}}}}}),
    ]))
}

fn route_match(protocol: &str) -> BoxedStrategy<Json> {
    match protocol {
        "grpc" => grpc_match().boxed(),
        _ => http_match().boxed(),
    }
}

fn grpc_match() -> impl Strategy<Value = Json> {
    select(vec![
        json!({}),
        json!({"serviceName": "shop.Cart"}),
        json!({"serviceName": "shop.Cart", "methodName": "Add", "port": 8080}),
        json!({"metadata": [{"name": "stage", "invert": true, "match": {"suffix": "-test"}}]}),
    ])
}

fn http_match() -> impl Strategy<Value = Json> {
    let header = |matching: Json| json!({"name": "x-user", "invert": false, "match": matching});
    select(vec![
        json!({"prefix": "/"}),
        json!({"prefix": "/${api}"}),
        json!({"path": {"exact": "/exact"}, "method": "POST"}),
        json!({"path": {"regex": "/a\\.b/[0-9]+"}}),
        json!({"prefix": "/h", "headers": [header(json!({"exact": "a"})), header(json!({"range": {"start": 0, "end": 9}}))]}),
        json!({"prefix": "/h", "headers": [{"name": "x-present"}], "scheme": "https", "port": 8080}),
        json!({"prefix": "/q", "queryParameters": [{"name": "q", "match": {"exact": "1"}}]}),
    ])
}

fn targets() -> impl Strategy<Value = Vec<(Index, u32)>> {
    prop::collection::vec((any::<Index>(), 0_u32..=50), 1..=2)
}

fn retry() -> impl Strategy<Value = Option<Json>> {
    let timeout = json!({"value": 2, "unit": "s"});
    prop::option::of(select(vec![
        json!({"maxRetries": 0, "perRetryTimeout": timeout.clone(), "httpRetryEvents": ["server-error"]}),
        json!({"maxRetries": 3, "perRetryTimeout": timeout, "httpRetryEvents": ["gateway-error", "client-error"],
               "tcpRetryEvents": ["connection-error"]}),
    ]))
}

fn timeout() -> impl Strategy<Value = Option<Json>> {
    prop::option::of(select(vec![
        json!({"perRequest": {"value": 15, "unit": "s"}}),
        json!({"idle": {"value": 0, "unit": "ms"}}),
    ]))
}

/// Not zero, which Terraform cannot tell from an absent priority.
fn priority() -> impl Strategy<Value = Option<u32>> {
    prop::option::of(1_u32..=1000)
}

fn gateway_match() -> impl Strategy<Value = Json> {
    select(vec![
        json!({"prefix": "/shop"}),
        json!({"prefix": "/", "hostname": {"suffix": ".example.com"}}),
        json!({"path": {"exact": "/one"}, "method": "GET"}),
    ])
}

fn rewrite() -> impl Strategy<Value = Option<Json>> {
    prop::option::of(select(vec![
        json!({"prefix": {"defaultPrefix": "DISABLED"}}),
        json!({"prefix": {"value": "/new/"}}),
        json!({"hostname": {"defaultTargetHostname": "DISABLED"}}),
    ]))
}
