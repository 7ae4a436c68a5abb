//! What a mesh would have lost on Amazon ECS Service Connect or VPC Lattice, feature by feature.
//!
//! Each row has its sources: the pages of AWS, all read 2026-11-30 unless another date is given. An `Unknown` verdict means
//! that no primary source was found.

use mesh_model::app_mesh::{KeyCasing, Kind, ResourcePath, ResourceSpec};
use serde_json::Value as Json;

/// A feature that a mesh uses, and its counterparts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Comparison {
    /// The feature, in App Mesh's words.
    pub feature: &'static str,
    /// The resources that use it, never empty.
    pub used_by: Vec<ResourcePath>,
    /// Its counterpart in Service Connect.
    pub service_connect: Alternative,
    /// Its counterpart in VPC Lattice.
    pub vpc_lattice: Alternative,
}

/// The counterpart of a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Alternative {
    /// Whether there is one.
    pub verdict: Verdict,
    /// What it is, or what is missing.
    pub detail: &'static str,
    /// The page that says so.
    pub source: &'static str,
}

/// Whether a feature has a counterpart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Verdict {
    Kept,
    Limited,
    Lost,
    Unknown,
}

impl Verdict {
    /// The word in a table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Limited => "limited",
            Self::Lost => "lost",
            Self::Unknown => "unknown",
        }
    }
}

/// The features that these mesh resources use, with their counterparts.
#[must_use]
pub fn compare<'m>(specs: impl IntoIterator<Item = (&'m ResourcePath, &'m ResourceSpec)>) -> Vec<Comparison> {
    let documents = specs
        .into_iter()
        .map(|(path, spec)| (path, spec.write(KeyCasing::Camel)));
    let documents: Vec<(&ResourcePath, Json)> = documents.collect();
    let rows = FEATURES.iter().filter_map(|feature| {
        let users = documents
            .iter()
            .filter(|(path, spec)| (feature.is_used)(path.kind, spec));
        let used_by: Vec<ResourcePath> = users.map(|(path, _)| (*path).clone()).collect();
        (!used_by.is_empty()).then_some(Comparison {
            feature: feature.name,
            used_by,
            service_connect: feature.service_connect,
            vpc_lattice: feature.vpc_lattice,
        })
    });
    rows.collect()
}

struct Feature {
    name: &'static str,
    is_used: fn(Kind, &Json) -> bool,
    service_connect: Alternative,
    vpc_lattice: Alternative,
}

const fn kept(detail: &'static str, source: &'static str) -> Alternative {
    Alternative {
        verdict: Verdict::Kept,
        detail,
        source,
    }
}

const fn limited(detail: &'static str, source: &'static str) -> Alternative {
    Alternative {
        verdict: Verdict::Limited,
        detail,
        source,
    }
}

const fn lost(detail: &'static str, source: &'static str) -> Alternative {
    Alternative {
        verdict: Verdict::Lost,
        detail,
        source,
    }
}

const fn unknown(detail: &'static str) -> Alternative {
    Alternative {
        verdict: Verdict::Unknown,
        detail,
        source: "no primary source found",
    }
}

const SC_API: &str = "ECS API reference, ServiceConnectConfiguration";
const SC_CONCEPTS: &str = "ECS developer guide, service-connect-concepts-deploy";
const SC_TLS: &str = "ECS developer guide, service-connect-tls";
const SC_RETRIES: &str = "aws/containers-roadmap issue 1963";
const LATTICE_RULES: &str = "VPC Lattice user guide, listener-rules";
const LATTICE_MATCH: &str = "VPC Lattice API reference, CreateRule (HttpMatch)";
const LATTICE_LISTENERS: &str = "VPC Lattice user guide, listeners";
const LATTICE_TARGETS: &str = "VPC Lattice user guide, target-groups";
const LATTICE_SERVICE: &str = "VPC Lattice API reference, CreateService (idleTimeoutSeconds since 2026-06-29)";

/// The routes of a route or gateway route, of any protocol.
fn routes(spec: &Json) -> impl Iterator<Item = &Json> {
    ["httpRoute", "http2Route", "grpcRoute", "tcpRoute"]
        .iter()
        .filter_map(|kind| spec.get(kind))
}

fn has(spec: &Json, pointers: &[&str]) -> bool {
    routes(spec).any(|route| pointers.iter().any(|pointer| route.pointer(pointer).is_some()))
}

/// Whether a key occurs anywhere in a document.
fn contains_key(json: &Json, key: &str) -> bool {
    match json {
        Json::Object(object) => object.contains_key(key) || object.values().any(|value| contains_key(value, key)),
        Json::Array(items) => items.iter().any(|item| contains_key(item, key)),
        _ => false,
    }
}

fn targets(spec: &Json) -> usize {
    let counts = routes(spec).filter_map(|route| route.pointer("/action/weightedTargets")?.as_array().map(Vec::len));
    counts.max().unwrap_or(0)
}

fn path_matches(spec: &Json) -> bool {
    routes(spec).any(|route| {
        let prefix = route.pointer("/match/prefix").and_then(Json::as_str);
        prefix.is_some_and(|prefix| prefix != "/") || route.pointer("/match/path/exact").is_some()
    })
}

const FEATURES: &[Feature] = &[
    Feature {
        name: "weights of several virtual nodes in a route",
        is_used: |kind, spec| kind == Kind::Route && targets(spec) > 1,
        service_connect: lost(
            "only during an ECS deployment (canary, linear), between two revisions of one service",
            SC_API,
        ),
        vpc_lattice: kept("weights from 0 to 999 of target groups in a rule", LATTICE_RULES),
    },
    Feature {
        name: "match by path prefix or exact path",
        is_used: |kind, spec| kind == Kind::Route && path_matches(spec),
        service_connect: lost("a name and port has one target; there are no rules", SC_API),
        vpc_lattice: kept("path match, exact or prefix", LATTICE_MATCH),
    },
    Feature {
        name: "match by regular expression",
        is_used: |_, spec| contains_key(spec, "regex"),
        service_connect: lost("there are no rules", SC_API),
        vpc_lattice: lost(
            "paths match exactly or by prefix, headers also by a contained text",
            LATTICE_MATCH,
        ),
    },
    Feature {
        name: "match by header",
        is_used: |_, spec| has(spec, &["/match/headers"]),
        service_connect: lost("one header for test traffic of a deployment", SC_API),
        vpc_lattice: limited(
            "exact, prefix or contained text; no suffix, range or inversion",
            LATTICE_MATCH,
        ),
    },
    Feature {
        name: "match by method",
        is_used: |_, spec| has(spec, &["/match/method"]),
        service_connect: lost("there are no rules", SC_API),
        vpc_lattice: kept("method match", LATTICE_MATCH),
    },
    Feature {
        name: "match by query parameter",
        is_used: |_, spec| has(spec, &["/match/queryParameters"]),
        service_connect: lost("there are no rules", SC_API),
        vpc_lattice: lost("a rule matches method, path and headers", LATTICE_MATCH),
    },
    Feature {
        name: "gRPC routes by service, method or metadata",
        is_used: |kind, spec| {
            kind == Kind::Route && has(spec, &["/match/serviceName", "/match/methodName", "/match/metadata"])
        },
        service_connect: lost("gRPC is a protocol of a port; there are no rules", SC_API),
        vpc_lattice: limited("by path and header of the HTTP/2 request", LATTICE_MATCH),
    },
    Feature {
        name: "retry policy",
        is_used: |_, spec| has(spec, &["/retryPolicy"]),
        service_connect: limited(
            "two retries of failed connections and 503, not configurable",
            SC_RETRIES,
        ),
        vpc_lattice: unknown("the API has no setting for retries"),
    },
    Feature {
        name: "timeout per request",
        is_used: |_, spec| contains_key(spec, "perRequest"),
        service_connect: limited("one per service and port, not per route", SC_API),
        vpc_lattice: lost("the API has an idle timeout of a service only", LATTICE_SERVICE),
    },
    Feature {
        name: "idle timeout",
        is_used: |_, spec| contains_key(spec, "idle"),
        service_connect: limited("one per service and port, not per route", SC_API),
        vpc_lattice: limited("one per service", LATTICE_SERVICE),
    },
    Feature {
        name: "outlier detection",
        is_used: |_, spec| contains_key(spec, "outlierDetection"),
        service_connect: limited("fixed: five failed connections in 30 s", SC_CONCEPTS),
        vpc_lattice: limited("health checks of target groups, no passive detection", LATTICE_TARGETS),
    },
    Feature {
        name: "connection pools (circuit breakers)",
        is_used: |_, spec| contains_key(spec, "connectionPool"),
        service_connect: lost("there are no limits of connections or requests", SC_API),
        vpc_lattice: unknown("the API has no setting for it"),
    },
    Feature {
        name: "health checks of virtual nodes",
        is_used: |kind, spec| kind == Kind::VirtualNode && contains_key(spec, "healthCheck"),
        service_connect: limited("container health checks of ECS", SC_CONCEPTS),
        vpc_lattice: kept("health checks of target groups", LATTICE_TARGETS),
    },
    Feature {
        name: "virtual gateways",
        is_used: |kind, _| kind == Kind::VirtualGateway,
        service_connect: lost("a load balancer in front of a service", SC_CONCEPTS),
        vpc_lattice: lost(
            "a service is reached from within VPCs; a load balancer in front of it",
            LATTICE_LISTENERS,
        ),
    },
    Feature {
        name: "gateway routes with hostname match or rewrite",
        is_used: |kind, spec| kind == Kind::GatewayRoute && has(spec, &["/match/hostname", "/action/rewrite"]),
        service_connect: lost("there are no rules", SC_API),
        vpc_lattice: lost(
            "a rule matches method, path and headers, and rewrites nothing",
            LATTICE_RULES,
        ),
    },
    Feature {
        name: "TLS by certificates from files or a secret discovery service",
        is_used: |_, spec| uses_tls(spec, &["file", "sds"]),
        service_connect: lost("certificates of AWS Private CA only", SC_TLS),
        vpc_lattice: limited(
            "TLS passthrough, or certificates of ACM at the service",
            LATTICE_LISTENERS,
        ),
    },
    Feature {
        name: "TLS by certificates of AWS Certificate Manager",
        is_used: |_, spec| uses_tls(spec, &["acm"]),
        service_connect: limited("certificates of AWS Private CA that ECS issues itself", SC_TLS),
        vpc_lattice: kept("certificates of ACM at the service", LATTICE_LISTENERS),
    },
    Feature {
        name: "mutual TLS",
        is_used: |kind, spec| {
            let of_listener = |tls: &Json| tls.get("mode").is_some() && tls.get("validation").is_some();
            let has_certificate = |tls: &Json| tls.get("enforce").is_some() && tls.get("certificate").is_some();
            matches!(kind, Kind::VirtualNode | Kind::VirtualGateway)
                && find(spec, "tls")
                    .into_iter()
                    .any(|tls| of_listener(tls) || has_certificate(tls))
        },
        service_connect: lost("TLS authenticates the server only", SC_TLS),
        vpc_lattice: limited(
            "by TLS passthrough; otherwise IAM authentication of requests",
            LATTICE_LISTENERS,
        ),
    },
    Feature {
        name: "TCP routes",
        is_used: |kind, spec| kind == Kind::Route && spec.get("tcpRoute").is_some(),
        service_connect: limited("TCP is a protocol of a port; one target", SC_API),
        vpc_lattice: limited(
            "listeners are HTTP, HTTPS and TLS; plain TCP by resource configurations",
            LATTICE_LISTENERS,
        ),
    },
    Feature {
        name: "egress filter DROP_ALL",
        is_used: |kind, spec| {
            kind == Kind::Mesh && spec.pointer("/egressFilter/type").and_then(Json::as_str) != Some("ALLOW_ALL")
        },
        service_connect: lost(
            "everything but the endpoints of the namespace leaves directly",
            SC_CONCEPTS,
        ),
        vpc_lattice: lost("traffic to other destinations does not pass it", LATTICE_LISTENERS),
    },
    Feature {
        name: "access log format",
        is_used: |_, spec| contains_key(spec, "format"),
        service_connect: limited("text or JSON, in fixed fields", SC_API),
        vpc_lattice: limited("fixed fields", LATTICE_LISTENERS),
    },
    Feature {
        name: "Cloud Map attributes",
        is_used: |kind, spec| kind == Kind::VirtualNode && contains_key(spec, "attributes"),
        service_connect: lost("an endpoint consists of the tasks of its services", SC_CONCEPTS),
        vpc_lattice: lost("a target group lists its targets", LATTICE_TARGETS),
    },
    Feature {
        name: "IP preference",
        is_used: |_, spec| contains_key(spec, "ipPreference"),
        service_connect: unknown("the API has no setting for it"),
        vpc_lattice: limited("the address type of a target group", LATTICE_TARGETS),
    },
];

/// The values of a key anywhere in a document.
fn find<'j>(json: &'j Json, key: &str) -> Vec<&'j Json> {
    match json {
        Json::Object(object) => {
            let nested = object.values().flat_map(|value| find(value, key));
            object.get(key).into_iter().chain(nested).collect()
        }
        Json::Array(items) => items.iter().flat_map(|item| find(item, key)).collect(),
        _ => Vec::new(),
    }
}

/// Whether a `tls` block has certificates or a trust of one of these kinds.
fn uses_tls(spec: &Json, kinds: &[&str]) -> bool {
    let blocks = find(spec, "tls");
    let uses = |tls: &&Json| kinds.iter().any(|kind| contains_key(tls, kind));
    blocks.iter().any(uses)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn features(kind: Kind, spec: Json) -> Vec<&'static str> {
        let spec = ResourceSpec::read(kind, &spec, KeyCasing::Camel, "").unwrap_or_else(|errors| panic!("{errors}"));
        let path = match kind {
            Kind::Mesh => ResourcePath::of_mesh("demo"),
            Kind::Route => ResourcePath::within("demo", "r", kind, "x"),
            _ => ResourcePath::new("demo", kind, "x"),
        };
        let rows = compare([(&path, &spec)]);
        rows.iter().map(|row| row.feature).collect()
    }

    #[test]
    fn only_features_in_use_are_listed() {
        let target = |name: &str| json!({"virtualNode": name, "weight": 50});
        let plain = json!({"httpRoute": {"match": {"prefix": "/"}, "action": {"weightedTargets": [target("a")]}}});
        assert_eq!(features(Kind::Route, plain), Vec::<&str>::new());
        let rich = json!({"httpRoute": {
            "match": {"prefix": "/api", "headers": [{"name": "x", "match": {"regex": "a.*"}}]},
            "action": {"weightedTargets": [target("a"), target("b")]},
            "timeout": {"perRequest": {"value": 1, "unit": "s"}}
        }});
        assert_eq!(
            features(Kind::Route, rich),
            [
                "weights of several virtual nodes in a route",
                "match by path prefix or exact path",
                "match by regular expression",
                "match by header",
                "timeout per request"
            ]
        );
        assert_eq!(features(Kind::Mesh, json!({})), ["egress filter DROP_ALL"]);
        let open = json!({"egressFilter": {"type": "ALLOW_ALL"}});
        assert_eq!(features(Kind::Mesh, open), Vec::<&str>::new());
    }

    #[test]
    fn every_row_has_a_source() {
        for feature in FEATURES {
            for alternative in [feature.service_connect, feature.vpc_lattice] {
                assert!(
                    !alternative.detail.is_empty() && !alternative.source.is_empty(),
                    "{}",
                    feature.name
                );
                let is_unknown = alternative.verdict == Verdict::Unknown;
                assert_eq!(
                    is_unknown,
                    alternative.source.starts_with("no primary"),
                    "{}",
                    feature.name
                );
            }
        }
    }
}
