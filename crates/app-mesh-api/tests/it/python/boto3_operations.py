"""Calls each of App Mesh's operations with boto3, with every kind of spec, and each paginator."""
import http.client
import os
import pathlib
import sys
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from app_mesh import GATEWAY, NODE, ROUTER, ROUTES, called, client, error, gateway_route, is_time

mesh_api = client()
ARN = "arn:aws:appmesh:us-east-1:000000000000:mesh/demo"


def check_life(kind, spec, other, arn, **names):
    """Creates, describes, updates, lists and deletes a resource. `kind`: VirtualNode."""
    key = kind[0].lower() + kind[1:]
    snake = "".join("_" + c.lower() if c.isupper() else c for c in kind).lstrip("_")
    plural = "meshes" if kind == "Mesh" else key + "s"
    operation = lambda verb, name=snake: getattr(mesh_api, f"{verb}_{name}")
    own = {f"{key}Name": names[f"{key}Name"]}
    parents = {name: value for name, value in names.items() if name not in own}
    has_owner = {} if kind == "Mesh" else {"meshOwner": "000000000000"}

    assert error("NotFoundException", operation("describe"), **names)
    token = str(uuid.uuid4())
    created = operation("create")(spec=spec, clientToken=token, tags=[{"key": "a", "value": "1"}], **names)[key]
    assert created["spec"] == spec, created["spec"]
    assert created["status"] == {"status": "ACTIVE"}
    assert {name: created[name] for name in names} == names
    metadata = created["metadata"]
    assert metadata["arn"] == arn, metadata
    assert metadata["version"] == 1 and metadata["meshOwner"] == metadata["resourceOwner"] == "000000000000"
    assert str(uuid.UUID(metadata["uid"])) == metadata["uid"]
    assert is_time(metadata["createdAt"]) and metadata["createdAt"] == metadata["lastUpdatedAt"]

    described = operation("describe")(**names, **has_owner)[key]
    assert described == created
    repeated = operation("create")(spec=spec, clientToken=token, tags=[{"key": "a", "value": "1"}], **names)[key]
    assert repeated == created
    assert "client token" in error("ConflictException", operation("create"), spec=other, clientToken=token, **names)
    assert "already exists" in error("ConflictException", operation("create"), spec=spec, **names)

    updated = operation("update")(spec=other, **names)[key]
    assert updated["spec"] == other and updated["metadata"]["version"] == 2
    assert updated["metadata"]["uid"] == metadata["uid"] and updated["metadata"]["createdAt"] == metadata["createdAt"]
    assert updated["metadata"]["lastUpdatedAt"] >= metadata["lastUpdatedAt"]
    assert operation("describe")(**names)[key] == updated
    if kind != "Mesh":
        assert error("NotFoundException", operation("update"), spec=spec, **names, meshOwner="111111111111")

    listed = operation("list", "meshes" if kind == "Mesh" else snake + "s")(**parents)[plural]
    (ref,) = [item for item in listed if item["arn"] == arn]
    assert ref == {**names, **{k: v for k, v in updated["metadata"].items() if k != "uid"}}, ref

    assert mesh_api.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "a", "value": "1"}]
    mesh_api.tag_resource(resourceArn=arn, tags=[{"key": "b", "value": ""}, {"key": "a", "value": "2"}])
    mesh_api.untag_resource(resourceArn=arn, tagKeys=["b", "unknown"])
    assert mesh_api.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "a", "value": "2"}]
    assert operation("describe")(**names)[key] == updated

    def delete():
        deleted = operation("delete")(**names)[key]
        assert deleted == {**updated, "status": {"status": "DELETED"}}, deleted
        error("NotFoundException", operation("describe"), **names)
        error("NotFoundException", operation("delete"), **names)
        error("NotFoundException", mesh_api.list_tags_for_resource, resourceArn=arn)

    return delete


allow = {"egressFilter": {"type": "ALLOW_ALL"}}
deletions = [check_life("Mesh", allow, {"serviceDiscovery": {"ipPreference": "IPv6_PREFERRED"}}, ARN, meshName="demo")]
mesh = {"meshName": "demo"}
simple_node = {"listeners": ROUTER["listeners"], "serviceDiscovery": {"dns": {"hostname": "a"}}}
delete = check_life("VirtualNode", NODE, simple_node, f"{ARN}/virtualNode/a b", virtualNodeName="a b", **mesh)
deletions.append(delete)
router = {"virtualRouterName": "r", **mesh}
deletions.append(check_life("VirtualRouter", ROUTER, {"listeners": []}, f"{ARN}/virtualRouter/r", **router))
for name, spec in ROUTES.items():
    arn = f"{ARN}/virtualRouter/r/route/{name}"
    deletions.append(check_life("Route", spec, ROUTES["tcp"], arn, routeName=name, **router))
provider = {"provider": {"virtualRouter": {"virtualRouterName": "r"}}}
for name, spec in [("s.local", provider), ("t.local", {})]:
    arn = f"{ARN}/virtualService/{name}"
    other = {"provider": {"virtualNode": {"virtualNodeName": "a b"}}} if spec else {}
    deletions.append(check_life("VirtualService", spec, other, arn, virtualServiceName=name, **mesh))
gateway = {"virtualGatewayName": "g", **mesh}
plain = {"listeners": ROUTER["listeners"]}
deletions.append(check_life("VirtualGateway", GATEWAY, plain, f"{ARN}/virtualGateway/g", **gateway))
grpc = {"grpcRoute": {"match": {"serviceName": "a.B"}, "action": {"target": {"virtualService": {"virtualServiceName": "x"}}}}}
arn = f"{ARN}/virtualGateway/g/gatewayRoute/x"
deletions.append(check_life("GatewayRoute", gateway_route("s.local"), grpc, arn, gatewayRouteName="x", **gateway))

message = error("ResourceInUseException", mesh_api.delete_mesh, **mesh)
assert message.startswith("Mesh demo for account 000000000000 has active VirtualNodes"), message
# The virtual service refers to the node, so it goes first.
deletions.append(deletions.pop(1))
mesh_deletion = deletions.pop(0)
for delete in reversed(deletions[:-1]):
    delete()
deletions[-1]()
mesh_deletion()
assert len(called) == 38, (len(called), sorted(called))

# A mesh without a spec has one.
assert mesh_api.create_mesh(meshName="bare")["mesh"]["spec"] == {}
assert mesh_api.update_mesh(meshName="bare")["mesh"]["metadata"]["version"] == 2
# Unset ports of health checks are the listener's.
check = {"protocol": "tcp", "healthyThreshold": 2, "unhealthyThreshold": 2, "timeoutMillis": 2000, "intervalMillis": 5000}
spec = {"listeners": [{**ROUTER["listeners"][0], "healthCheck": check}], "serviceDiscovery": {"dns": {"hostname": "a"}}}
node = mesh_api.create_virtual_node(meshName="bare", virtualNodeName="n", spec=spec)["virtualNode"]
assert node["spec"]["listeners"][0]["healthCheck"] == {**check, "port": 80}, node
mesh_api.delete_virtual_node(meshName="bare", virtualNodeName="n")
mesh_api.delete_mesh(meshName="bare")

# Paginators.
mesh_api.create_mesh(meshName="m0")
for number in range(1, 7):
    mesh_api.create_mesh(meshName=f"m{number}", tags=[{"key": f"k{k:02}", "value": ""} for k in range(number)])
    mesh_api.create_virtual_node(meshName="m0", virtualNodeName=f"n{number}", spec={})
    mesh_api.create_virtual_router(meshName="m0", virtualRouterName=f"r{number}", spec={})
    mesh_api.create_virtual_service(meshName="m0", virtualServiceName=f"s{number}", spec={})
    mesh_api.create_route(meshName="m0", virtualRouterName="r1", routeName=f"rt{number}", spec=ROUTES["tcp"])
for number in range(1, 4):
    mesh_api.create_virtual_gateway(meshName="m0", virtualGatewayName=f"g{number}", spec=plain)
    route = gateway_route("s1")
    mesh_api.create_gateway_route(meshName="m0", virtualGatewayName="g1", gatewayRouteName=f"gr{number}", spec=route)


def pages(name, key, item, size, **parameters):
    pages = list(mesh_api.get_paginator(name).paginate(PaginationConfig={"PageSize": size}, **parameters))
    assert all(len(page[key]) <= size for page in pages)
    assert all("nextToken" in page for page in pages[:-1]) and "nextToken" not in pages[-1]
    return [entry[item] for page in pages for entry in page[key]]


names = lambda prefix, count: [f"{prefix}{number}" for number in range(1, count + 1)]
assert pages("list_meshes", "meshes", "meshName", 2) == ["m0", *names("m", 6)]
in_mesh = {"meshName": "m0"}
assert pages("list_virtual_nodes", "virtualNodes", "virtualNodeName", 1, **in_mesh) == names("n", 6)
assert pages("list_virtual_routers", "virtualRouters", "virtualRouterName", 2, **in_mesh) == names("r", 6)
assert pages("list_virtual_services", "virtualServices", "virtualServiceName", 4, **in_mesh) == names("s", 6)
assert pages("list_routes", "routes", "routeName", 5, virtualRouterName="r1", **in_mesh) == names("rt", 6)
assert pages("list_routes", "routes", "routeName", 5, virtualRouterName="r2", **in_mesh) == []
assert pages("list_virtual_gateways", "virtualGateways", "virtualGatewayName", 3, **in_mesh) == names("g", 3)
assert pages("list_gateway_routes", "gatewayRoutes", "gatewayRouteName", 2, virtualGatewayName="g1", **in_mesh) == names("gr", 3)
arn = "arn:aws:appmesh:us-east-1:000000000000:mesh/m6"
assert pages("list_tags_for_resource", "tags", "key", 4, resourceArn=arn) == [f"k{k:02}" for k in range(6)]
# A token without a limit gives all the rest.
first = mesh_api.list_virtual_nodes(meshName="m0", limit=2)
rest = mesh_api.list_virtual_nodes(meshName="m0", nextToken=first["nextToken"])
assert len(rest["virtualNodes"]) == 4 and "nextToken" not in rest
message = error("BadRequestException", mesh_api.list_virtual_routers, meshName="m0", nextToken=first["nextToken"])
assert message == "nextToken: is not a token of this list", message
error("NotFoundException", mesh_api.list_virtual_nodes, meshName="none")
error("NotFoundException", mesh_api.list_routes, meshName="m0", virtualRouterName="none")

# Quotas.
for number in range(7, 15):
    mesh_api.create_mesh(meshName=f"m{number}")
error("LimitExceededException", mesh_api.create_mesh, meshName="m15")
message = error("LimitExceededException", mesh_api.create_virtual_gateway, meshName="m0", virtualGatewayName="g4", spec=plain)
assert message == "Mesh m0 has reached its quota of 3 resources of the type VirtualGateway", message
error("TooManyTagsException", mesh_api.tag_resource, resourceArn=arn, tags=[{"key": f"x{k}", "value": ""} for k in range(50)])

# Bodies that are too large, as a client sends them: all of it, before it reads the response.
large = {"serviceDiscovery": {"dns": {"hostname": "h" * (2 << 20)}}}
message = error("RequestEntityTooLargeException", mesh_api.create_virtual_node, meshName="m0", virtualNodeName="large", spec=large)
assert message == "The request body exceeds 1048576 bytes.", message
connection = http.client.HTTPConnection(os.environ["AWS_ENDPOINT_URL_APP_MESH"].removeprefix("http://"))
connection.request("PUT", "/v20190125/meshes", body=b" " * (10 << 20))
response = connection.getresponse()
assert (response.status, response.headers["x-amzn-ErrorType"]) == (413, "RequestEntityTooLargeException"), response.status
print("done")
