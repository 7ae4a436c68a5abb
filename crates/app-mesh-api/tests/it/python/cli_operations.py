"""Runs each of App Mesh's operations with the AWS CLI: by options, then by --cli-input-json. In one process, because each
start of the CLI takes half a second."""
import contextlib
import io
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from app_mesh import GATEWAY, NODE, ROUTER, ROUTES, gateway_route

from awscli.clidriver import create_clidriver

used = set()


def aws(command, *arguments):
    """Runs `aws appmesh COMMAND` and returns its output and exit code."""
    used.add(command)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = create_clidriver().main(["appmesh", command, "--output", "json", *arguments])
    return code, out.getvalue(), err.getvalue()


def run(by_json, command, **parameters):
    if by_json:
        arguments = ["--cli-input-json", json.dumps(parameters)]
    else:
        arguments = []
        for name, value in parameters.items():
            option = "".join("-" + c.lower() if c.isupper() else c for c in name)
            arguments += [f"--{option}", value if isinstance(value, str) else json.dumps(value)]
    code, out, err = aws(command, *arguments)
    assert code == 0, (command, parameters, out, err)
    return json.loads(out) if out.strip() else None


for by_json in (False, True):
    mesh = {"meshName": f"mesh-{by_json}"}
    arn = f"arn:aws:appmesh:us-east-1:000000000000:mesh/{mesh['meshName']}"
    call = lambda command, **parameters: run(by_json, command, **parameters)
    allow = {"egressFilter": {"type": "ALLOW_ALL"}}
    call("create-mesh", spec=allow, tags=[{"key": "a", "value": "1"}], clientToken="t", **mesh)
    kinds = [
        ("mesh", "meshes", mesh, allow, {}),
        ("virtual-node", "virtual-nodes", {"virtualNodeName": "n", **mesh}, NODE, mesh),
        ("virtual-router", "virtual-routers", {"virtualRouterName": "r", **mesh}, ROUTER, mesh),
        ("route", "routes", {"routeName": "rt", "virtualRouterName": "r", **mesh}, ROUTES["http"], {"virtualRouterName": "r", **mesh}),
        ("virtual-service", "virtual-services", {"virtualServiceName": "s.local", **mesh},
         {"provider": {"virtualRouter": {"virtualRouterName": "r"}}}, mesh),
        ("virtual-gateway", "virtual-gateways", {"virtualGatewayName": "g", **mesh}, GATEWAY, mesh),
        ("gateway-route", "gateway-routes", {"gatewayRouteName": "gr", "virtualGatewayName": "g", **mesh}, gateway_route("s.local"),
         {"virtualGatewayName": "g", **mesh}),
    ]
    for kind, plural, names, spec, container in kinds:
        if kind != "mesh":
            call(f"create-{kind}", spec=spec, **names)
        (described,) = call(f"describe-{kind}", **names).values()
        assert described["spec"] == spec and described["metadata"]["version"] == 1, described
        (updated,) = call(f"update-{kind}", spec=spec, **names).values()
        assert updated["metadata"]["version"] == 2, updated
        (items,) = call(f"list-{plural}", **container).values()
        assert len(items) == 1, items
    call("tag-resource", resourceArn=arn, tags=[{"key": "b", "value": "2"}])
    call("untag-resource", resourceArn=arn, tagKeys=["a"])
    assert call("list-tags-for-resource", resourceArn=arn) == {"tags": [{"key": "b", "value": "2"}]}
    # The virtual service before its router.
    for kind, _, names, *_ in sorted(reversed(kinds), key=lambda entry: ["gateway-route", "virtual-gateway", "virtual-service",
            "route", "virtual-router", "virtual-node", "mesh"].index(entry[0])):
        (deleted,) = call(f"delete-{kind}", **names).values()
        assert deleted["status"]["status"] == "DELETED", deleted
assert len(used) == 38, (len(used), sorted(used))

# The CLI's own paging, and an error as it shows it.
run(False, "create-mesh", meshName="pages")
for number in range(5):
    run(True, "create-virtual-node", meshName="pages", virtualNodeName=f"n{number}", spec={})
code, out, _ = aws("list-virtual-nodes", "--mesh-name", "pages", "--page-size", "2", "--query", "virtualNodes[].virtualNodeName")
assert code == 0 and json.loads(out) == [f"n{number}" for number in range(5)], out
code, out, _ = aws("list-virtual-nodes", "--mesh-name", "pages", "--max-items", "3")
assert code == 0 and len(json.loads(out)["virtualNodes"]) == 3 and json.loads(out)["NextToken"], out
code, _, err = aws("delete-mesh", "--mesh-name", "pages")
assert code != 0 and "(ResourceInUseException)" in err and "has active VirtualNodes" in err, (code, err)
code, _, err = aws("describe-mesh", "--mesh-name", "none")
assert code != 0 and "(NotFoundException)" in err, (code, err)
print("done")
