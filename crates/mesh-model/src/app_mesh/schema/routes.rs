//! Routes and gateway routes.

use super::{
    ANY_TEXT, DURATION, FLAG, Field, IDLE_TIMEOUT, NAME, PORT, REQUEST_TIMEOUT, Shape, list, may, must, text, whole,
};

static PRIORITY: Shape = whole(0, 1000);

static METHOD: Shape = Shape::Word(&[
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
]);

static PATH_MATCH: Shape = Shape::Structure(&[may("exact", &text(1, 255)), may("regex", &text(1, 255))]);

static HEADERS: Shape = list(
    &Shape::Structure(&[
        must("name", &text(1, 50)),
        may("invert", &FLAG),
        may(
            "match",
            &Shape::Union(&[
                may("exact", &text(1, 255)),
                may("prefix", &text(1, 255)),
                may("suffix", &text(1, 255)),
                may("regex", &text(1, 255)),
                may(
                    "range",
                    &Shape::Structure(&[
                        must("start", &whole(i64::MIN, i64::MAX)),
                        must("end", &whole(i64::MIN, i64::MAX)),
                    ]),
                ),
            ]),
        ),
    ]),
    1,
    10,
);

static QUERY_PARAMETERS: Shape = list(
    &Shape::Structure(&[
        must("name", &ANY_TEXT),
        may("match", &Shape::Structure(&[may("exact", &ANY_TEXT)])),
    ]),
    1,
    10,
);

// Routes.

pub(in crate::app_mesh) static ROUTE: Shape = Shape::Structure(&[
    may("priority", &PRIORITY),
    may("httpRoute", &HTTP_ROUTE),
    may("http2Route", &HTTP_ROUTE),
    may("grpcRoute", &GRPC_ROUTE),
    may("tcpRoute", &TCP_ROUTE),
]);

static HTTP_ROUTE: Shape = Shape::Structure(&[
    must(
        "match",
        &Shape::Structure(&[
            may("prefix", &ANY_TEXT),
            may("path", &PATH_MATCH),
            may("method", &METHOD),
            may("scheme", &Shape::Word(&["http", "https"])),
            may("headers", &HEADERS),
            may("queryParameters", &QUERY_PARAMETERS),
            may("port", &PORT),
        ]),
    ),
    must("action", &ACTION),
    may("retryPolicy", &Shape::Structure(&HTTP_RETRY_POLICY)),
    may("timeout", &REQUEST_TIMEOUT),
]);

static ACTION: Shape = Shape::Structure(&[must(
    "weightedTargets",
    &list(
        &Shape::Structure(&[
            must("virtualNode", &NAME),
            must("weight", &whole(0, 100)),
            may("port", &PORT),
        ]),
        1,
        10,
    ),
)]);

static HTTP_RETRY_POLICY: [Field; 4] = [MAX_RETRIES, PER_RETRY_TIMEOUT, HTTP_RETRY_EVENTS, TCP_RETRY_EVENTS];

const MAX_RETRIES: Field = must("maxRetries", &whole(0, i64::MAX));
const PER_RETRY_TIMEOUT: Field = must("perRetryTimeout", &DURATION);
const HTTP_RETRY_EVENTS: Field = may("httpRetryEvents", &list(&text(1, 25), 1, 25));
const TCP_RETRY_EVENTS: Field = may("tcpRetryEvents", &list(&Shape::Word(&["connection-error"]), 1, 1));

static GRPC_ROUTE: Shape = Shape::Structure(&[
    must(
        "match",
        &Shape::Structure(&[
            may("serviceName", &ANY_TEXT),
            may("methodName", &text(1, 50)),
            may("metadata", &HEADERS),
            may("port", &PORT),
        ]),
    ),
    must("action", &ACTION),
    may(
        "retryPolicy",
        &Shape::Structure(&[
            MAX_RETRIES,
            PER_RETRY_TIMEOUT,
            HTTP_RETRY_EVENTS,
            TCP_RETRY_EVENTS,
            may(
                "grpcRetryEvents",
                &list(
                    &Shape::Word(&[
                        "cancelled",
                        "deadline-exceeded",
                        "internal",
                        "resource-exhausted",
                        "unavailable",
                    ]),
                    1,
                    5,
                ),
            ),
        ]),
    ),
    may("timeout", &REQUEST_TIMEOUT),
]);

static TCP_ROUTE: Shape = Shape::Structure(&[
    may("match", &Shape::Structure(&[may("port", &PORT)])),
    must("action", &ACTION),
    may("timeout", &IDLE_TIMEOUT),
]);

// Gateway routes.

pub(in crate::app_mesh) static GATEWAY_ROUTE: Shape = Shape::Structure(&[
    may("priority", &PRIORITY),
    may("httpRoute", &HTTP_GATEWAY_ROUTE),
    may("http2Route", &HTTP_GATEWAY_ROUTE),
    may("grpcRoute", &GRPC_GATEWAY_ROUTE),
]);

static HOSTNAME_MATCH: Shape = Shape::Structure(&[may("exact", &text(1, 253)), may("suffix", &text(1, 253))]);

static REWRITE_SWITCH: Shape = Shape::Word(&["ENABLED", "DISABLED"]);
static HOSTNAME_REWRITE: Shape = Shape::Structure(&[may("defaultTargetHostname", &REWRITE_SWITCH)]);

static TARGET: Shape = Shape::Structure(&[
    must(
        "virtualService",
        &Shape::Structure(&[must("virtualServiceName", &NAME)]),
    ),
    may("port", &PORT),
]);

static HTTP_GATEWAY_ROUTE: Shape = Shape::Structure(&[
    must(
        "match",
        &Shape::Structure(&[
            may("prefix", &ANY_TEXT),
            may("path", &PATH_MATCH),
            may("hostname", &HOSTNAME_MATCH),
            may("method", &METHOD),
            may("headers", &HEADERS),
            may("queryParameters", &QUERY_PARAMETERS),
            may("port", &PORT),
        ]),
    ),
    must(
        "action",
        &Shape::Structure(&[
            must("target", &TARGET),
            may(
                "rewrite",
                &Shape::Structure(&[
                    may("hostname", &HOSTNAME_REWRITE),
                    may(
                        "prefix",
                        &Shape::Structure(&[may("defaultPrefix", &REWRITE_SWITCH), may("value", &text(1, 255))]),
                    ),
                    may("path", &Shape::Structure(&[may("exact", &text(1, 255))])),
                ]),
            ),
        ]),
    ),
]);

static GRPC_GATEWAY_ROUTE: Shape = Shape::Structure(&[
    must(
        "match",
        &Shape::Structure(&[
            may("serviceName", &ANY_TEXT),
            may("hostname", &HOSTNAME_MATCH),
            may("metadata", &HEADERS),
            may("port", &PORT),
        ]),
    ),
    must(
        "action",
        &Shape::Structure(&[
            must("target", &TARGET),
            may("rewrite", &Shape::Structure(&[may("hostname", &HOSTNAME_REWRITE)])),
        ]),
    ),
]);
