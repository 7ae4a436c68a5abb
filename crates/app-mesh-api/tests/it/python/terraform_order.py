"""Calls as Terraform's provider does: apply, refresh, change, import, destroy."""
import pathlib
import sys
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from app_mesh import NODE, ROUTER, ROUTES, client, error, gateway_route

appmesh = client()
owner = "000000000000"


class Resource:
    def __init__(self, kind, spec, **names):
        self.kind, self.spec, self.names = kind, spec, names
        self.key = "".join(part if index == 0 else part.title() for index, part in enumerate(kind.split("_")))

    def call(self, verb, **parameters):
        return getattr(appmesh, f"{verb}_{self.kind}")(**self.names, **parameters)[self.key]

    def read(self):
        """Each read also reads the tags by ARN."""
        has_owner = {} if self.kind == "mesh" else {"meshOwner": owner}
        data = self.call("describe", **has_owner)
        assert data["status"]["status"] != "DELETED"
        tags = appmesh.list_tags_for_resource(resourceArn=data["metadata"]["arn"])["tags"]
        return data, {tag["key"]: tag["value"] for tag in tags}

    def create(self):
        has_owner = {} if self.kind == "mesh" else {"meshOwner": owner}
        error("NotFoundException", getattr(appmesh, f"describe_{self.kind}"), **self.names)
        token = uuid.uuid4().hex[:26]
        tags = [{"key": "Name", "value": self.key}]
        created = self.call("create", spec=self.spec, clientToken=f"terraform-{token}", tags=tags, **has_owner)
        self.uid = created["metadata"]["uid"]
        self.plan_is_empty()

    def plan_is_empty(self):
        data, tags = self.read()
        assert data["spec"] == self.spec, (data["spec"], self.spec)
        assert data["metadata"]["uid"] == self.uid
        assert data["metadata"]["arn"].split(":")[5].startswith("mesh/")
        assert tags == {"Name": self.key}, tags

    def update(self, spec):
        self.spec = spec
        has_owner = {} if self.kind == "mesh" else {"meshOwner": owner}
        self.call("update", spec=spec, clientToken=f"terraform-{uuid.uuid4().hex[:26]}", **has_owner)
        self.plan_is_empty()

    def destroy(self):
        """Without meshOwner."""
        self.call("delete")
        error("NotFoundException", getattr(appmesh, f"describe_{self.kind}"), **self.names)


mesh = {"meshName": "tf"}
resources = [
    Resource("mesh", {"egressFilter": {"type": "DROP_ALL"}}, **mesh),
    Resource("virtual_node", NODE, virtualNodeName="blue", **mesh),
    Resource("virtual_node", {"listeners": ROUTER["listeners"], "serviceDiscovery": {"dns": {"hostname": "g"}}},
             virtualNodeName="green", **mesh),
    Resource("virtual_router", ROUTER, virtualRouterName="r", **mesh),
    Resource("route", ROUTES["http"], routeName="all", virtualRouterName="r", **mesh),
    Resource("virtual_service", {"provider": {"virtualRouter": {"virtualRouterName": "r"}}}, virtualServiceName="s.local", **mesh),
    Resource("virtual_gateway", {"listeners": ROUTER["listeners"]}, virtualGatewayName="g", **mesh),
    Resource("gateway_route", gateway_route("s.local"), gatewayRouteName="x", virtualGatewayName="g", **mesh),
]
for resource in resources:
    resource.create()
# A mesh block without spec reads back with one, so that no difference shows.
bare = appmesh.create_mesh(meshName="bare", clientToken="terraform-1")["mesh"]
assert bare["spec"] == {} and appmesh.describe_mesh(meshName="bare")["mesh"]["spec"] == {}
for resource in resources:
    resource.plan_is_empty()

# A listener is added while the route has no port: rejected by the service, as users know it.
two = {"listeners": [*ROUTER["listeners"], {"portMapping": {"port": 81, "protocol": "http"}}]}
router, route = resources[3], resources[4]
message = error("BadRequestException", appmesh.update_virtual_router, virtualRouterName="r", spec=two, **mesh)
assert message.startswith("All Routes for this Virtual Router m"), message
http = route.spec["httpRoute"]
route.update({**route.spec, "httpRoute": {**http, "match": {**http["match"], "port": 80}}})
router.update(two)
message = error("BadRequestException", appmesh.create_route, routeName="b", virtualRouterName="r", spec=ROUTES["http"], **mesh)
assert message == "Route must define a port match criteria if the Virtual Router has multiple listeners", message

# A target that leaves the mesh before its route does.
message = error("ResourceInUseException", appmesh.delete_virtual_node, virtualNodeName="blue", **mesh)
assert message == "VirtualNode with name blue cannot be deleted because it is the target of one or more routes.", message
for resource in reversed(resources):
    resource.destroy()
appmesh.delete_mesh(meshName="bare")
print("done")
