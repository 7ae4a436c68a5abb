"""A boto3 client whose responses are compared with botocore's model of App Mesh, and specs for tests."""
import datetime
import json

import boto3
import botocore.exceptions
from botocore.config import Config

called = set()


# Errors that services have beside those of their model: they are found before an operation is.
COMMON_ERRORS = {"RequestEntityTooLargeException", "UnknownOperationException"}


def client(**kwargs):
    """A client that raises for a response that the model does not describe."""
    config = Config(retries={"total_max_attempts": 1}, ignore_configured_endpoint_urls=bool(kwargs.get("endpoint_url")))
    made = boto3.client("appmesh", config=config, **kwargs)
    made.meta.events.register("after-call", compare_with_model)
    return made


def compare_with_model(http_response, parsed, model, **_):
    called.add(model.name)
    assert http_response.headers.get("x-amzn-RequestId"), f"{model.name}: no request id"
    if http_response.status_code >= 300:
        error = http_response.headers["x-amzn-ErrorType"]
        allowed = {shape.name for shape in model.error_shapes} | COMMON_ERRORS
        assert error in allowed, f"{model.name}: {error} is not one of {sorted(allowed)}"
        assert isinstance(json.loads(http_response.content)["message"], str)
        return
    assert http_response.status_code == 200, http_response.status_code
    assert http_response.headers["content-type"] == "application/json"
    shape = model.output_shape
    payload = shape.serialization.get("payload")
    walk(json.loads(http_response.content), shape.members[payload] if payload else shape, model.name)


def walk(value, shape, path):
    """Raises unless the value has the shape, all of its required members and no others."""
    if shape.type_name == "structure":
        assert isinstance(value, dict), f"{path}: {value!r}"
        unknown = value.keys() - shape.members.keys()
        assert not unknown, f"{path}: unknown {unknown}"
        missing = set(shape.required_members) - value.keys()
        assert not missing, f"{path}: missing {missing}"
        for name, item in value.items():
            walk(item, shape.members[name], f"{path}.{name}")
    elif shape.type_name == "list":
        assert isinstance(value, list), f"{path}: {value!r}"
        for index, item in enumerate(value):
            walk(item, shape.member, f"{path}[{index}]")
    elif shape.type_name == "timestamp":
        assert isinstance(value, float) and 1.7e9 < value < 4e9, f"{path}: {value!r}"
    elif shape.type_name in ("integer", "long"):
        assert isinstance(value, int) and not isinstance(value, bool), f"{path}: {value!r}"
    elif shape.type_name == "boolean":
        assert isinstance(value, bool), f"{path}: {value!r}"
    else:
        assert shape.type_name == "string" and isinstance(value, str), f"{path}: {value!r}"
        assert not shape.enum or value in shape.enum, f"{path}: {value!r} is not in {shape.enum}"


def error(code, function, **parameters):
    """Calls, and returns the message of the expected error."""
    try:
        function(**parameters)
    except botocore.exceptions.ClientError as caught:
        assert caught.response["Error"]["Code"] == code, f"{caught}, not {code}"
        return caught.response["Error"]["Message"]
    raise AssertionError(f"{function.__name__}({parameters}) does not fail with {code}")


HTTP = {"portMapping": {"port": 80, "protocol": "http"}}
NODE = {
    "listeners": [
        {
            **HTTP,
            "healthCheck": {
                "protocol": "http", "path": "/ping", "healthyThreshold": 2, "unhealthyThreshold": 3,
                "timeoutMillis": 2000, "intervalMillis": 5000, "port": 80,
            },
            "timeout": {"http": {"perRequest": {"value": 3, "unit": "s"}, "idle": {"value": 500, "unit": "ms"}}},
            "connectionPool": {"http": {"maxConnections": 7, "maxPendingRequests": 8}},
            "outlierDetection": {
                "maxServerErrors": 5, "interval": {"value": 10, "unit": "s"},
                "baseEjectionDuration": {"value": 30, "unit": "s"}, "maxEjectionPercent": 50,
            },
            "tls": {
                "mode": "PERMISSIVE",
                "certificate": {"file": {"certificateChain": "/chain.pem", "privateKey": "/key.pem"}},
                "validation": {
                    "trust": {"sds": {"secretName": "ca"}},
                    "subjectAlternativeNames": {"match": {"exact": ["a.local"]}},
                },
            },
        }
    ],
    "serviceDiscovery": {
        "awsCloudMap": {
            "namespaceName": "local", "serviceName": "a", "attributes": [{"key": "stage", "value": "blue"}],
            "ipPreference": "IPv4_ONLY",
        }
    },
    "backends": [
        {
            "virtualService": {
                "virtualServiceName": "b.local",
                "clientPolicy": {
                    "tls": {
                        "enforce": True, "ports": [443],
                        "validation": {"trust": {"acm": {"certificateAuthorityArns": ["arn:aws:acm-pca:x"]}}},
                    }
                },
            }
        }
    ],
    "backendDefaults": {"clientPolicy": {}},
    "logging": {"accessLog": {"file": {"path": "/dev/stdout", "format": {"json": [{"key": "a", "value": "%PROTOCOL%"}]}}}},
}
ROUTER = {"listeners": [HTTP]}
TARGETS = {"weightedTargets": [{"virtualNode": "blue", "weight": 90, "port": 80}, {"virtualNode": "green", "weight": 10}]}
RETRIES = {
    "maxRetries": 2, "perRetryTimeout": {"value": 1, "unit": "s"}, "httpRetryEvents": ["server-error", "gateway-error"],
    "tcpRetryEvents": ["connection-error"],
}
ROUTES = {
    "http": {
        "priority": 7,
        "httpRoute": {
            "match": {
                "prefix": "/", "method": "POST", "scheme": "https",
                "headers": [
                    {"name": "a", "invert": True, "match": {"range": {"start": 1, "end": 9}}},
                    {"name": "b", "match": {"regex": "x+"}},
                    {"name": "c"},
                ],
                "queryParameters": [{"name": "q", "match": {"exact": "1"}}],
            },
            "action": TARGETS, "retryPolicy": RETRIES, "timeout": {"perRequest": {"value": 0, "unit": "ms"}},
        },
    },
    "http2": {"http2Route": {"match": {"path": {"regex": "/a/.*"}}, "action": TARGETS}},
    "grpc": {
        "grpcRoute": {
            "match": {"serviceName": "a.B", "methodName": "Get", "metadata": [{"name": "m", "match": {"suffix": "z"}}]},
            "action": TARGETS, "retryPolicy": {**RETRIES, "grpcRetryEvents": ["cancelled", "unavailable"]},
        }
    },
    "tcp": {"tcpRoute": {"action": TARGETS, "timeout": {"idle": {"value": 9, "unit": "s"}}}},
}
GATEWAY = {
    "listeners": [{**HTTP, "connectionPool": {"http": {"maxConnections": 7}}}],
    "backendDefaults": {"clientPolicy": {"tls": {"validation": {"trust": {"file": {"certificateChain": "/ca"}}}}}},
    "logging": {"accessLog": {"file": {"path": "/dev/stdout", "format": {"text": "%PROTOCOL%"}}}},
}


def gateway_route(service, prefix="/a/"):
    target = {"virtualService": {"virtualServiceName": service}}
    rewrite = {"hostname": {"defaultTargetHostname": "DISABLED"}, "prefix": {"value": "/b/"}}
    match = {"prefix": prefix, "hostname": {"suffix": ".example.com"}}
    return {"priority": 3, "httpRoute": {"match": match, "action": {"target": target, "rewrite": rewrite}}}


def is_time(value):
    return isinstance(value, datetime.datetime)
