"""Calls as AWS's controller for Kubernetes does: describe, create if not found, compare, update if different."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from app_mesh import ROUTER, ROUTES, client, error, gateway_route
from botocore.exceptions import ClientError

appmesh = client()
ACCOUNT = "000000000000"


def without_unset_ports(desired, actual):
    """The comparison ignores a port of a health check that is unset in the desired spec."""
    if isinstance(desired, dict) and isinstance(actual, dict):
        result = {key: without_unset_ports(desired.get(key), value) for key, value in actual.items()}
        if "healthyThreshold" in desired and "port" not in desired:
            result.pop("port", None)
        return result
    if isinstance(desired, list) and isinstance(actual, list):
        return [without_unset_ports(*pair) for pair in zip(desired, actual)] if len(desired) == len(actual) else actual
    return actual


def reconcile(kind, spec, **names):
    """Returns what it did."""
    key = "".join(part if index == 0 else part.title() for index, part in enumerate(kind.split("_")))
    try:
        actual = getattr(appmesh, f"describe_{kind}")(**names)[key]
    except ClientError as caught:
        assert caught.response["Error"]["Code"] == "NotFoundException", caught
        getattr(appmesh, f"create_{kind}")(spec=spec, **names)
        return "created"
    if without_unset_ports(spec, actual["spec"]) == spec:
        return "unchanged"
    assert actual["metadata"]["resourceOwner"] == ACCOUNT
    getattr(appmesh, f"update_{kind}")(spec=spec, **names)
    return "updated"


def reconcile_router(listeners, routes, **names):
    """Routes that go are removed, then the router is updated, then the routes are created and updated."""
    done = []
    try:
        appmesh.describe_virtual_router(**names)
        pages = appmesh.get_paginator("list_routes").paginate(**names, PaginationConfig={"PageSize": 1})
        present = [route["routeName"] for page in pages for route in page["routes"]]
        for name in set(present) - routes.keys():
            appmesh.delete_route(routeName=name, **names)
            done.append(f"deleted {name}")
    except appmesh.exceptions.NotFoundException:
        pass
    done.append(reconcile("virtual_router", {"listeners": listeners}, **names))
    for name, spec in routes.items():
        done.append(f"{reconcile('route', spec, routeName=name, **names)} {name}")
    return done


check = {"protocol": "http", "path": "/", "healthyThreshold": 2, "unhealthyThreshold": 2, "timeoutMillis": 2000, "intervalMillis": 5000}
# A virtual node may name a virtual service that does not exist yet.
node = {
    "listeners": [{**ROUTER["listeners"][0], "healthCheck": check}],
    "serviceDiscovery": {"dns": {"hostname": "a.ns.svc.cluster.local"}},
    "backends": [{"virtualService": {"virtualServiceName": "later.ns.svc.cluster.local"}}],
}
mesh = {"meshName": "k8s"}
gateway = {"listeners": [{**ROUTER["listeners"][0], "healthCheck": check}]}
router = {"virtualRouterName": "r_ns", **mesh}
everything = [
    lambda: reconcile("mesh", {"egressFilter": {"type": "ALLOW_ALL"}}, **mesh),
    lambda: reconcile("virtual_node", node, virtualNodeName="a_ns", **mesh),
    lambda: reconcile("virtual_service", {"provider": {"virtualRouter": {"virtualRouterName": "r_ns"}}},
                      virtualServiceName="later.ns.svc.cluster.local", **mesh),
    lambda: reconcile("virtual_gateway", gateway, virtualGatewayName="g_ns", **mesh),
    lambda: reconcile("gateway_route", gateway_route("later.ns.svc.cluster.local"), gatewayRouteName="x",
                      virtualGatewayName="g_ns", **mesh),
]
assert [step() for step in everything] == ["created"] * 5
assert reconcile_router(ROUTER["listeners"], {"one": ROUTES["http"], "two": ROUTES["http2"]}, **router) == [
    "created", "created one", "created two"]
assert [step() for step in everything] == ["unchanged"] * 5
assert reconcile_router(ROUTER["listeners"], {"one": ROUTES["http"], "two": ROUTES["http2"]}, **router) == [
    "unchanged", "unchanged one", "unchanged two"]
changed = {**ROUTES["http"], "priority": 9}
other_port = [{"portMapping": {"port": 81, "protocol": "http"}}]
done = reconcile_router(other_port, {"one": changed, "three": ROUTES["http2"]}, **router)
assert done == ["deleted two", "updated", "updated one", "created three"], done

message = error("ResourceInUseException", appmesh.delete_virtual_router, **router)
assert message == "VirtualRouter with name r_ns cannot be deleted because it has active Routes", message
reconcile_router(other_port, {}, **router)
message = error("ResourceInUseException", appmesh.delete_virtual_router, **router)
assert message == "VirtualRouter with name r_ns cannot be deleted because it is a VirtualService provider", message
message = error("ResourceInUseException", appmesh.delete_virtual_service, virtualServiceName="later.ns.svc.cluster.local", **mesh)
assert message == "VirtualService later.ns.svc.cluster.local is being referenced in the following: GATEWAY_ROUTE: [x]", message
print("done")
