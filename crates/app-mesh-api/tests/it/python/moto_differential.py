"""Sends one script of random calls, from a fixed seed, to this API and to moto, and compares the results.

Every difference must be in DIFFERENCES. Each entry of the table must occur, so that it does not outlive its reason."""
import collections
import os
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from app_mesh import client

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

DIFFERENCES = {
    "error names": "moto has names of its own with status 400 (MeshNotFound); the service's model has NotFoundException and "
    "ConflictException, which clients compare",
    "mesh exists": "moto replaces a mesh that exists; the service's model has ConflictException for it",
    "resource in use": "moto deletes what others need; the service refuses (ResourceInUseException)",
    "quota": "moto has no quotas",
    "ports": "moto does not demand ports with several listeners; the service does (BadRequestException)",
    "mesh ARN": "moto's ARN of a mesh lacks `mesh/`, which Terraform's tests demand",
    "mesh spec": "moto returns keys without a value for an absent egress filter, and keeps fields that an update leaves out; an update of the "
    "service replaces the spec",
    "mesh version": "moto does not count an update that names no field",
    "owner": "moto's owner is a user id; the service's is the account",
    "tag order": "moto lists tags in the order of their addition, this API by key, so that pages stay right while tags change",
    "tag replaced": "moto keeps both values of a key that is tagged twice",
    "list order": "moto lists in the order of creation, this API by name, so that pages stay right while others write",
    "empty list": "moto leaves out an empty list; the service returns specs as given, and clients take both for the same",
    "missing operations": "moto has neither virtual services nor UntagResource",
}
seen = collections.Counter()
chance = random.Random(20190125)
ours = client(endpoint_url=os.environ["OURS"])
config = Config(retries={"total_max_attempts": 1}, ignore_configured_endpoint_urls=True)
moto = boto3.client("appmesh", endpoint_url=os.environ["MOTO"], config=config)
mesh_versions = {}  # mesh -> (ours, moto)
mesh_specs = {}  # mesh -> moto's
NOT_FOUND = ("MeshNotFound", "VirtualRouterNotFound", "RouteNotFound", "VirtualNodeNotFound", "VirtualGatewayNotFound",
             "GatewayRouteNotFound", "ResourceNotFound")
TAKEN = ("VirtualRouterNameAlreadyTaken", "RouteNameAlreadyTaken", "VirtualNodeNameAlreadyTaken",
         "VirtualGatewayNameAlreadyTaken", "GatewayRouteNameAlreadyTaken")


def call(api, operation, parameters):
    """The result without its metadata of HTTP, or the code of the error."""
    try:
        result = getattr(api, operation)(**parameters)
        result.pop("ResponseMetadata")
        return result, None
    except ClientError as error:
        return None, error.response["Error"]["Code"]


def differ(name):
    assert name in DIFFERENCES, name
    seen[name] += 1


def compare(operation, **parameters):
    """Calls both, and raises for a difference that is not in the table. Returns our result."""
    mine, my_error = call(ours, operation, parameters)
    if my_error == "ConflictException" and operation == "create_mesh":
        differ("mesh exists")
        return None
    for code, name in [("ResourceInUseException", "resource in use"), ("LimitExceededException", "quota"), ("BadRequestException", "ports")]:
        if my_error == code:
            # Not sent to moto, which would do it.
            differ(name)
            return None
    if operation in ("tag_resource", "list_tags_for_resource") and parameters["resourceArn"].count("/") == 1:
        differ("mesh ARN")
        parameters = {**parameters, "resourceArn": parameters["resourceArn"].replace("mesh/", "")}
    theirs, their_error = call(moto, operation, parameters)
    if my_error or their_error:
        expected = {"NotFoundException": NOT_FOUND, "ConflictException": TAKEN}.get(my_error, ())
        assert their_error in expected, (operation, parameters, my_error, their_error)
        differ("error names")
        return None
    mine_normal, theirs_normal = normal(operation, mine, parameters), normal_of_moto(operation, theirs, parameters, mine)
    assert mine_normal == theirs_normal, f"{operation}({parameters}):\nours  {mine_normal}\nmoto  {theirs_normal}"
    return mine


def normal(operation, result, parameters):
    """Our result without what is random: times and ids."""
    if operation.startswith("list_"):
        (items,) = [value for key, value in result.items() if key != "nextToken"]
        return {"items": [without_times(item) for item in items]}
    if not result:
        return {}
    (data,) = result.values()
    data = dict(data)
    data["metadata"] = without_times(data["metadata"])
    return data


def without_times(item):
    return {key: value for key, value in item.items() if key not in ("createdAt", "lastUpdatedAt", "uid")}


def normal_of_moto(operation, result, parameters, mine):
    """moto's result as ours would be, for the differences of the table."""
    data = normal(operation, result, parameters)
    mine = normal(operation, mine, parameters)
    if "items" in data:
        name = sort_key(operation)
        if operation == "list_tags_for_resource":
            replaced = {tag["key"]: tag for tag in data["items"]}
            if len(replaced) < len(data["items"]):
                differ("tag replaced")
            data["items"] = list(replaced.values())
        items = sorted(data["items"], key=lambda item: item[name])
        if items != data["items"]:
            differ("tag order" if name == "key" else "list order")
        pairs = zip(items, mine["items"]) if len(items) == len(mine["items"]) else []
        data["items"] = items
        for item, my_item in pairs:
            adapt(item, my_item, "ListMeshes" if name == "meshName" else "")
        return data
    if "metadata" in data:
        is_mesh = operation.endswith("_mesh")
        adapt(data["metadata"], mine["metadata"], "mesh" if is_mesh else "")
        if is_mesh and data["spec"] != mine["spec"]:
            differ("mesh spec")
            data["spec"] = mine["spec"]
        elif data["spec"] != mine["spec"] and data["spec"] == without_empty_lists(mine["spec"]):
            differ("empty list")
            data["spec"] = mine["spec"]
    return data


def without_empty_lists(spec):
    return {key: value for key, value in spec.items() if value != []}


def adapt(item, my_item, is_mesh):
    for owner in ("meshOwner", "resourceOwner"):
        if owner in item and item[owner] != my_item[owner]:
            assert my_item[owner] == "123456789012"
            differ("owner")
            item[owner] = my_item[owner]
    if is_mesh:
        if "mesh/" not in item["arn"]:
            differ("mesh ARN")
            item["arn"] = item["arn"].replace(":123456789012:", ":123456789012:mesh/")
        if item["version"] != my_item["version"]:
            assert item["version"] < my_item["version"]
            differ("mesh version")
            item["version"] = my_item["version"]


def sort_key(operation):
    return {
        "list_meshes": "meshName", "list_virtual_nodes": "virtualNodeName", "list_virtual_routers": "virtualRouterName",
        "list_routes": "routeName", "list_virtual_gateways": "virtualGatewayName", "list_gateway_routes": "gatewayRouteName",
        "list_tags_for_resource": "key",
    }[operation]


def listeners(most=2, protocols=("http", "http2", "grpc", "tcp")):
    ports = chance.sample(range(8080, 8090), chance.randint(0, most))
    return [{"portMapping": {"port": port, "protocol": chance.choice(protocols)}} for port in ports]


def mesh_spec():
    return chance.choice([{}, {"egressFilter": {"type": "ALLOW_ALL"}}, {"egressFilter": {"type": "DROP_ALL"}}])


def node_spec():
    discovery = chance.choice([
        {"dns": {"hostname": "a.local", "responseType": "ENDPOINTS"}},
        {"awsCloudMap": {"namespaceName": "local", "serviceName": "a", "attributes": [{"key": "k", "value": "v"}]}},
    ])
    spec = {"listeners": listeners(), "serviceDiscovery": discovery}
    if chance.random() < 0.5:
        spec["backends"] = [{"virtualService": {"virtualServiceName": "b.local"}}]
    if chance.random() < 0.5:
        spec["logging"] = {"accessLog": {"file": {"path": "/dev/stdout"}}}
    for listener in spec["listeners"]:
        if chance.random() < 0.3:
            listener["healthCheck"] = {"protocol": "tcp", "healthyThreshold": 2, "unhealthyThreshold": 2, "timeoutMillis": 2000,
                                       "intervalMillis": 5000, "port": listener["portMapping"]["port"]}
    return spec


def router_spec():
    return {"listeners": listeners() or [{"portMapping": {"port": 80, "protocol": "http"}}]}


def gateway_spec():
    return {"listeners": listeners(2, ("http", "http2", "grpc")) or [{"portMapping": {"port": 80, "protocol": "http"}}]}


def route_spec():
    targets = [{"virtualNode": f"n{number}", "weight": chance.randint(0, 50)} for number in range(chance.randint(1, 2))]
    action = {"weightedTargets": targets}
    match = {"prefix": "/", "method": "GET", "headers": [{"name": "h", "invert": True, "match": {"exact": "1"}}]}
    kind = chance.choice(["httpRoute", "http2Route", "tcpRoute", "grpcRoute"])
    route = {"action": action}
    if kind == "grpcRoute":
        route["match"] = {"serviceName": "a.B"}
    elif kind != "tcpRoute":
        route["match"] = match
        route["retryPolicy"] = {"maxRetries": 1, "perRetryTimeout": {"value": 1, "unit": "s"}, "httpRetryEvents": ["server-error"]}
    return {kind: route, "priority": chance.randint(0, 1000)}


def gateway_route_spec():
    action = {"target": {"virtualService": {"virtualServiceName": "b.local"}}}
    return {"priority": chance.randint(0, 1000), "httpRoute": {"match": {"prefix": "/a/"}, "action": action}}


def random_call():
    mesh = {"meshName": f"m{chance.randint(0, 2)}"}
    router = {"virtualRouterName": f"r{chance.randint(0, 2)}", **mesh}
    gateway = {"virtualGatewayName": f"g{chance.randint(0, 4)}", **mesh}
    node = {"virtualNodeName": f"n{chance.randint(0, 3)}", **mesh}
    number = chance.randint(0, 2)
    route = {"routeName": f"t{number}", **router}
    gateway_route = {"gatewayRouteName": f"x{number}", **gateway}
    prefix = f"arn:aws:appmesh:us-east-1:123456789012:mesh/{mesh['meshName']}"
    kind, names, spec, arn, plural, container = chance.choice([
        ("mesh", mesh, mesh_spec, prefix, "meshes", {}),
        ("virtual_node", node, node_spec, f"{prefix}/virtualNode/{node['virtualNodeName']}", "virtual_nodes", mesh),
        ("virtual_router", router, router_spec, f"{prefix}/virtualRouter/{router['virtualRouterName']}", "virtual_routers", mesh),
        ("route", route, route_spec, f"{prefix}/virtualRouter/{router['virtualRouterName']}/route/t{number}", "routes", router),
        ("virtual_gateway", gateway, gateway_spec, f"{prefix}/virtualGateway/{gateway['virtualGatewayName']}", "virtual_gateways", mesh),
        ("gateway_route", gateway_route, gateway_route_spec,
         f"{prefix}/virtualGateway/{gateway['virtualGatewayName']}/gatewayRoute/x{number}", "gateway_routes", gateway),
    ])
    verb = chance.choices(["create", "update", "describe", "list", "delete", "tag", "list_tags"], [9, 4, 4, 3, 2, 3, 3])[0]
    keys = chance.sample(["z", "a", "k"], chance.randint(1, 2))
    match verb:
        case "create":
            tags = [{"key": key, "value": chance.choice("12")} for key in keys]
            compare(f"create_{kind}", spec=spec(), tags=tags, **names)
        case "update":
            compare(f"update_{kind}", spec=spec(), **names)
        case "list":
            compare(f"list_{plural}", **container)
        case "tag":
            compare("tag_resource", resourceArn=arn, tags=[{"key": key, "value": chance.choice("34")} for key in keys])
        case "list_tags":
            compare("list_tags_for_resource", resourceArn=arn)
        case _:
            compare(f"{verb}_{kind}", **names)


for _ in range(1500):
    random_call()
# Pages have the same sizes.
for number in range(7):
    compare("create_virtual_node", meshName=compare("list_meshes")["meshes"][0]["meshName"], virtualNodeName=f"page{number}", spec=node_spec())
name = ours.list_meshes()["meshes"][0]["meshName"]
sizes = [[len(page["virtualNodes"]) for page in
          api.get_paginator("list_virtual_nodes").paginate(meshName=name, PaginationConfig={"PageSize": 3})] for api in (ours, moto)]
assert sizes[0] == sizes[1], sizes
for operation, parameters in [
    ("list_virtual_services", {"meshName": name}),
    ("untag_resource", {"resourceArn": ours.describe_mesh(meshName=name)["mesh"]["metadata"]["arn"], "tagKeys": ["a"]}),
]:
    assert call(ours, operation, parameters)[1] is None
    # A page of HTML, whose status botocore takes for the error.
    assert call(moto, operation, parameters)[1] == "404"
    differ("missing operations")
unused = DIFFERENCES.keys() - seen.keys()
assert not unused, f"differences that do not occur: {unused}"
print(dict(seen))
print("done")
