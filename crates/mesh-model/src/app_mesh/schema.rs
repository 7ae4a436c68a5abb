//! Every field of App Mesh's documents with its limits, as data.
//!
//! Source: the AWS SDK's service model of App Mesh, version 2019-01-25, as of botocore 1.44.5 (read 2026-11-23).
//! The typed structs beside this say what fields mean; this says what may stand in them, so that a document can
//! be judged as a whole, however much is wrong with it. A test makes documents from this table and reads them
//! as those structs, so neither can have a field that the other lacks.

mod routes;

pub(super) use routes::{GATEWAY_ROUTE, ROUTE};

/// What may stand somewhere.
#[derive(Debug)]
pub(super) enum Shape {
    /// An object with these fields and no others.
    Structure(&'static [Field]),
    /// An object with exactly one of these fields.
    Union(&'static [Field]),
    /// A list of so many of these.
    List { of: &'static Shape, min: usize, max: usize },
    /// A text of so many characters.
    Text { min: usize, max: usize },
    /// A text of so many printable ASCII characters, with or without spaces within.
    Printable { min: usize, max: usize, spaces: bool },
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number in this range, both ends included.
    Whole { min: i64, max: i64 },
    /// True or false.
    Flag,
}

/// A field of an object.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) shape: &'static Shape,
    pub(super) required: bool,
}

const fn must(name: &'static str, shape: &'static Shape) -> Field {
    Field {
        name,
        shape,
        required: true,
    }
}

const fn may(name: &'static str, shape: &'static Shape) -> Field {
    Field {
        name,
        shape,
        required: false,
    }
}

const fn text(min: usize, max: usize) -> Shape {
    Shape::Text { min, max }
}

const fn whole(min: i64, max: i64) -> Shape {
    Shape::Whole { min, max }
}

const fn list(of: &'static Shape, min: usize, max: usize) -> Shape {
    Shape::List { of, min, max }
}

const MANY: usize = usize::MAX;
const LARGEST: i64 = i32::MAX as i64;

static ANY_TEXT: Shape = text(0, MANY);
static NAME: Shape = text(1, 255);
static PATH: Shape = text(1, 255);
static PORT: Shape = whole(1, 65535);
static FLAG: Shape = Shape::Flag;
static POSITIVE: Shape = whole(1, LARGEST);

static IP_PREFERENCE: Shape = Shape::Word(&["IPv4_PREFERRED", "IPv6_PREFERRED", "IPv4_ONLY", "IPv6_ONLY"]);
static PROTOCOL: Shape = Shape::Word(&["http", "tcp", "http2", "grpc"]);
static GATEWAY_PROTOCOL: Shape = Shape::Word(&["http", "http2", "grpc"]);
static DURATION: Shape = Shape::Structure(&[
    may("value", &whole(0, i64::MAX)),
    may("unit", &Shape::Word(&["s", "ms"])),
]);

// The mesh.

pub(super) static MESH: Shape = Shape::Structure(&[
    may(
        "egressFilter",
        &Shape::Structure(&[must("type", &Shape::Word(&["ALLOW_ALL", "DROP_ALL"]))]),
    ),
    may(
        "serviceDiscovery",
        &Shape::Structure(&[may("ipPreference", &IP_PREFERENCE)]),
    ),
]);

// Virtual services and routers.

pub(super) static VIRTUAL_SERVICE: Shape = Shape::Structure(&[may(
    "provider",
    &Shape::Union(&[
        may("virtualNode", &Shape::Structure(&[must("virtualNodeName", &NAME)])),
        may("virtualRouter", &Shape::Structure(&[must("virtualRouterName", &NAME)])),
    ]),
)]);

pub(super) static VIRTUAL_ROUTER: Shape = Shape::Structure(&[may(
    "listeners",
    &list(&Shape::Structure(&[must("portMapping", &PORT_MAPPING)]), 0, MANY),
)]);

static PORT_MAPPING: Shape = Shape::Structure(&[must("port", &PORT), must("protocol", &PROTOCOL)]);
static GATEWAY_PORT_MAPPING: Shape = Shape::Structure(&[must("port", &PORT), must("protocol", &GATEWAY_PROTOCOL)]);

// Virtual nodes.

pub(super) static VIRTUAL_NODE: Shape = Shape::Structure(&[
    may("listeners", &list(&LISTENER, 0, MANY)),
    may("serviceDiscovery", &SERVICE_DISCOVERY),
    may(
        "backends",
        &list(
            &Shape::Union(&[may(
                "virtualService",
                &Shape::Structure(&[
                    must("virtualServiceName", &ANY_TEXT),
                    may("clientPolicy", &CLIENT_POLICY),
                ]),
            )]),
            0,
            50,
        ),
    ),
    may("backendDefaults", &BACKEND_DEFAULTS),
    may("logging", &LOGGING),
]);

static SERVICE_DISCOVERY: Shape = Shape::Union(&[
    may(
        "dns",
        &Shape::Structure(&[
            must("hostname", &ANY_TEXT),
            may("responseType", &Shape::Word(&["LOADBALANCER", "ENDPOINTS"])),
            may("ipPreference", &IP_PREFERENCE),
        ]),
    ),
    may(
        "awsCloudMap",
        &Shape::Structure(&[
            must("namespaceName", &text(1, 1024)),
            must("serviceName", &text(1, 1024)),
            may("attributes", &list(&CLOUD_MAP_ATTRIBUTE, 0, MANY)),
            may("ipPreference", &IP_PREFERENCE),
        ]),
    ),
]);

static CLOUD_MAP_ATTRIBUTE: Shape = Shape::Structure(&[
    must(
        "key",
        &Shape::Printable {
            min: 1,
            max: 255,
            spaces: false,
        },
    ),
    must(
        "value",
        &Shape::Printable {
            min: 1,
            max: 1024,
            spaces: true,
        },
    ),
]);

static LISTENER: Shape = Shape::Structure(&[
    must("portMapping", &PORT_MAPPING),
    may("tls", &LISTENER_TLS),
    may("healthCheck", &HEALTH_CHECK),
    may("timeout", &LISTENER_TIMEOUT),
    may(
        "connectionPool",
        &Shape::Union(&[
            may("http", &HTTP_POOL),
            may("http2", &REQUEST_POOL),
            may("grpc", &REQUEST_POOL),
            may("tcp", &Shape::Structure(&[must("maxConnections", &POSITIVE)])),
        ]),
    ),
    may("outlierDetection", &OUTLIER_DETECTION),
]);

static HTTP_POOL: Shape = Shape::Structure(&[must("maxConnections", &POSITIVE), may("maxPendingRequests", &POSITIVE)]);
static REQUEST_POOL: Shape = Shape::Structure(&[must("maxRequests", &POSITIVE)]);
static REQUEST_TIMEOUT: Shape = Shape::Structure(&[may("perRequest", &DURATION), may("idle", &DURATION)]);
static IDLE_TIMEOUT: Shape = Shape::Structure(&[may("idle", &DURATION)]);
static LISTENER_TIMEOUT: Shape = Shape::Union(&[
    may("http", &REQUEST_TIMEOUT),
    may("http2", &REQUEST_TIMEOUT),
    may("grpc", &REQUEST_TIMEOUT),
    may("tcp", &IDLE_TIMEOUT),
]);
static OUTLIER_DETECTION: Shape = Shape::Structure(&[
    must("maxServerErrors", &whole(1, i64::MAX)),
    must("interval", &DURATION),
    must("baseEjectionDuration", &DURATION),
    must("maxEjectionPercent", &whole(0, 100)),
]);

static HEALTH_CHECK: Shape = Shape::Structure(&health_check_fields(&PROTOCOL));
static GATEWAY_HEALTH_CHECK: Shape = Shape::Structure(&health_check_fields(&GATEWAY_PROTOCOL));

static INTERVAL_MILLIS: Shape = whole(5_000, 300_000);
static TIMEOUT_MILLIS: Shape = whole(2_000, 60_000);
static THRESHOLD: Shape = whole(2, 10);

const fn health_check_fields(protocol: &'static Shape) -> [Field; 7] {
    [
        must("protocol", protocol),
        may("path", &ANY_TEXT),
        may("port", &PORT),
        must("intervalMillis", &INTERVAL_MILLIS),
        must("timeoutMillis", &TIMEOUT_MILLIS),
        must("healthyThreshold", &THRESHOLD),
        must("unhealthyThreshold", &THRESHOLD),
    ]
}

// Virtual gateways.

pub(super) static VIRTUAL_GATEWAY: Shape = Shape::Structure(&[
    must("listeners", &list(&GATEWAY_LISTENER, 0, MANY)),
    may("backendDefaults", &BACKEND_DEFAULTS),
    may("logging", &LOGGING),
]);

static GATEWAY_LISTENER: Shape = Shape::Structure(&[
    must("portMapping", &GATEWAY_PORT_MAPPING),
    may("tls", &LISTENER_TLS),
    may("healthCheck", &GATEWAY_HEALTH_CHECK),
    may(
        "connectionPool",
        &Shape::Union(&[
            may("http", &HTTP_POOL),
            may("http2", &REQUEST_POOL),
            may("grpc", &REQUEST_POOL),
        ]),
    ),
]);

// TLS and logging, alike for nodes and gateways.

static BACKEND_DEFAULTS: Shape = Shape::Structure(&[may("clientPolicy", &CLIENT_POLICY)]);
static CLIENT_POLICY: Shape = Shape::Structure(&[may("tls", &CLIENT_TLS)]);
static CLIENT_TLS: Shape = Shape::Structure(&[
    may("enforce", &FLAG),
    may("ports", &list(&PORT, 0, MANY)),
    may(
        "certificate",
        &Shape::Union(&[may("file", &FILE_CERTIFICATE), may("sds", &SDS_SECRET)]),
    ),
    must(
        "validation",
        &Shape::Structure(&[
            must(
                "trust",
                &Shape::Union(&[
                    may(
                        "acm",
                        &Shape::Structure(&[must("certificateAuthorityArns", &list(&ANY_TEXT, 1, 3))]),
                    ),
                    may("file", &FILE_TRUST),
                    may("sds", &SDS_SECRET),
                ]),
            ),
            may("subjectAlternativeNames", &SUBJECT_ALTERNATIVE_NAMES),
        ]),
    ),
]);

static LISTENER_TLS: Shape = Shape::Structure(&[
    must("mode", &Shape::Word(&["STRICT", "PERMISSIVE", "DISABLED"])),
    must(
        "certificate",
        &Shape::Union(&[
            may("acm", &Shape::Structure(&[must("certificateArn", &ANY_TEXT)])),
            may("file", &FILE_CERTIFICATE),
            may("sds", &SDS_SECRET),
        ]),
    ),
    may(
        "validation",
        &Shape::Structure(&[
            must(
                "trust",
                &Shape::Union(&[may("file", &FILE_TRUST), may("sds", &SDS_SECRET)]),
            ),
            may("subjectAlternativeNames", &SUBJECT_ALTERNATIVE_NAMES),
        ]),
    ),
]);

static FILE_CERTIFICATE: Shape = Shape::Structure(&[must("certificateChain", &PATH), must("privateKey", &PATH)]);
static FILE_TRUST: Shape = Shape::Structure(&[must("certificateChain", &PATH)]);
static SDS_SECRET: Shape = Shape::Structure(&[must("secretName", &ANY_TEXT)]);
static SUBJECT_ALTERNATIVE_NAMES: Shape = Shape::Structure(&[must(
    "match",
    &Shape::Structure(&[must("exact", &list(&text(1, 254), 0, MANY))]),
)]);

static LOGGING: Shape = Shape::Structure(&[may(
    "accessLog",
    &Shape::Union(&[may(
        "file",
        &Shape::Structure(&[
            must("path", &PATH),
            may(
                "format",
                &Shape::Union(&[
                    may("text", &text(1, 1000)),
                    may(
                        "json",
                        &list(
                            &Shape::Structure(&[must("key", &text(1, 100)), must("value", &text(1, 100))]),
                            0,
                            MANY,
                        ),
                    ),
                ]),
            ),
        ]),
    )]),
)]);
