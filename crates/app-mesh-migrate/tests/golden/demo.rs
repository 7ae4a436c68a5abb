//! The mesh of the stack `demo`. Prints its CloudFormation template.

use mesh_infra::app_mesh::{GatewayRouteSpec, KeyCasing, Protocol, RouteSpec, Spec, mesh::EgressFilterType};
use mesh_infra::{HttpGatewayRoute, HttpRoute, Listener, Mesh, Stack, ValidationErrors, VirtualGateway, VirtualNode, VirtualRouter, VirtualService};
use serde_json::{Value, json};

fn main() -> Result<(), ValidationErrors> {
    let mut stack = Stack::new("demo");
    describe(&mut stack)?;
    print!("{}", stack.synth()?.to_json());
    Ok(())
}

/// Adds everything to the stack.
///
/// # Errors
///
/// Specs that are invalid after a change.
pub fn describe(stack: &mut Stack) -> Result<(), ValidationErrors> {
    let mesh_demo = stack.add("demo", Mesh::new("demo").with_egress_filter(EgressFilterType::AllowAll));
    stack.add("node-0", VirtualNode::from_spec(&mesh_demo, "node-0", spec(json!({
        "listeners": [
            {
                "portMapping": {
                    "port": 41193,
                    "protocol": "http",
                },
            },
        ],
        "serviceDiscovery": {
            "dns": {
                "hostname": "node.local",
                "responseType": "LOADBALANCER",
                "ipPreference": "IPv6_PREFERRED",
            },
        },
        "backends": [
            {
                "virtualService": {
                    "virtualServiceName": "shop.local",
                },
            },
        ],
    }))?));
    stack.override_property("Node0VirtualNode", "Tags", json!([{"Key": "Yriekki", "Value": "@R#|: s"}]));
    stack.add("node-1", VirtualNode::from_spec(&mesh_demo, "node-1", spec(json!({
        "listeners": [
            {
                "portMapping": {
                    "port": 49718,
                    "protocol": "http",
                },
            },
        ],
        "serviceDiscovery": {
            "awsCloudMap": {
                "namespaceName": "local",
                "serviceName": "node",
                "attributes": [
                    {
                        "key": "color",
                        "value": "blue",
                    },
                    {
                        "key": "stack",
                        "value": "a b",
                    },
                ],
            },
        },
    }))?));
    stack.override_property("Node1VirtualNode", "Tags", json!([{"Key": "Yriekki", "Value": "@R#|: s"}]));
    let router_split = stack.add("split", VirtualRouter::new(&mesh_demo, "split")
            .with_listener(8080, Protocol::Http));
    stack.add("shop-local", VirtualService::new(&mesh_demo, "shop.local").with_provider_router(&router_split));
    let gateway_door = stack.add("door", VirtualGateway::new(&mesh_demo, "door")
            .with_listener(Listener::http(9080)));
    stack.add("split-route-0", HttpRoute::from_spec(&router_split, "route-0", spec(json!({
        "priority": 394,
        "httpRoute": {
            "match": {
                "prefix": "/h",
                "scheme": "https",
                "headers": [
                    {
                        "name": "x-present",
                    },
                ],
                "port": 8080,
            },
            "action": {
                "weightedTargets": [
                    {
                        "virtualNode": "node-1",
                        "weight": 23,
                    },
                    {
                        "virtualNode": "node-1",
                        "weight": 9,
                    },
                ],
            },
            "retryPolicy": {
                "maxRetries": 3,
                "perRetryTimeout": {
                    "value": 2,
                    "unit": "s",
                },
                "httpRetryEvents": [
                    "gateway-error",
                    "client-error",
                ],
                "tcpRetryEvents": [
                    "connection-error",
                ],
            },
        },
    })).map(|spec: RouteSpec| spec.http_route)?.expect("the spec above has it")).with_priority(394));
    stack.add("split-route-1", HttpRoute::from_spec(&router_split, "route-1", spec(json!({
        "httpRoute": {
            "match": {
                "prefix": "/${api}",
            },
            "action": {
                "weightedTargets": [
                    {
                        "virtualNode": "node-1",
                        "weight": 29,
                    },
                ],
            },
            "retryPolicy": {
                "maxRetries": 3,
                "perRetryTimeout": {
                    "value": 2,
                    "unit": "s",
                },
                "httpRetryEvents": [
                    "gateway-error",
                    "client-error",
                ],
                "tcpRetryEvents": [
                    "connection-error",
                ],
            },
            "timeout": {
                "idle": {
                    "value": 0,
                    "unit": "ms",
                },
            },
        },
    })).map(|spec: RouteSpec| spec.http_route)?.expect("the spec above has it")));
    stack.add("split-route-2", HttpRoute::from_spec(&router_split, "route-2", spec(json!({
        "httpRoute": {
            "match": {
                "prefix": "/",
            },
            "action": {
                "weightedTargets": [
                    {
                        "virtualNode": "node-0",
                        "weight": 24,
                    },
                ],
            },
            "timeout": {
                "idle": {
                    "value": 0,
                    "unit": "ms",
                },
            },
        },
    })).map(|spec: RouteSpec| spec.http_route)?.expect("the spec above has it")));
    stack.add("door-way-0", HttpGatewayRoute::from_spec(&gateway_door, "way-0", spec(json!({
        "priority": 92,
        "httpRoute": {
            "match": {
                "prefix": "/",
                "hostname": {
                    "suffix": ".example.com",
                },
            },
            "action": {
                "target": {
                    "virtualService": {
                        "virtualServiceName": "shop.local",
                    },
                },
            },
        },
    })).map(|spec: GatewayRouteSpec| spec.http_route)?.expect("the spec above has it")).with_priority(92));
    Ok(())
}

/// Reads a spec in the JSON of the App Mesh API.
fn spec<S: Spec>(document: Value) -> Result<S, ValidationErrors> {
    S::read(&document, KeyCasing::Camel, "spec")
}
