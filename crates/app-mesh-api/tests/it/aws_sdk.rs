//! AWS's SDK for Rust as a client: each operation, a paginator, and errors by their type.

use app_mesh_api::{MemoryStore, Settings};
use aws_sdk_appmesh::Client;
use aws_sdk_appmesh::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_appmesh::operation::create_mesh::CreateMeshError;
use aws_sdk_appmesh::types::{
    DnsServiceDiscovery, EgressFilter, EgressFilterType, GatewayRouteSpec, GatewayRouteTarget,
    GatewayRouteVirtualService, HealthCheckPolicy, HttpGatewayRoute, HttpGatewayRouteAction, HttpGatewayRouteMatch,
    HttpRoute, HttpRouteAction, HttpRouteMatch, Listener, MeshSpec, MeshStatusCode, PortMapping, PortProtocol,
    RouteSpec, ServiceDiscovery, TagRef, VirtualGatewayListener, VirtualGatewayPortMapping, VirtualGatewayPortProtocol,
    VirtualGatewaySpec, VirtualNodeSpec, VirtualNodeStatusCode, VirtualRouterListener, VirtualRouterServiceProvider,
    VirtualRouterSpec, VirtualServiceProvider, VirtualServiceSpec, WeightedTarget,
};

use crate::harness::Server;

fn client(url: &str) -> Client {
    let config = aws_sdk_appmesh::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("AKIDEXAMPLE", "secret", None, None, "test"))
        .endpoint_url(url)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

fn port_mapping(port: i32) -> PortMapping {
    PortMapping::builder()
        .port(port)
        .protocol(PortProtocol::Http)
        .build()
        .unwrap()
}

fn tag(key: &str, value: &str) -> TagRef {
    TagRef::builder().key(key).value(value).build().unwrap()
}

fn node_spec(port: i32) -> VirtualNodeSpec {
    let check = HealthCheckPolicy::builder()
        .protocol(PortProtocol::Http)
        .path("/ping")
        .healthy_threshold(2)
        .unhealthy_threshold(3)
        .timeout_millis(2000)
        .interval_millis(5000)
        .port(port)
        .build();
    let listener = Listener::builder()
        .port_mapping(port_mapping(port))
        .health_check(check.unwrap())
        .build();
    let dns = DnsServiceDiscovery::builder().hostname("blue.local").build().unwrap();
    VirtualNodeSpec::builder()
        .listeners(listener)
        .service_discovery(ServiceDiscovery::Dns(dns))
        .build()
}

fn router_spec(port: i32) -> VirtualRouterSpec {
    let listener = VirtualRouterListener::builder()
        .port_mapping(port_mapping(port))
        .build();
    VirtualRouterSpec::builder().listeners(listener).build()
}

fn route_spec(weight: i32) -> RouteSpec {
    let target = WeightedTarget::builder()
        .virtual_node("blue")
        .weight(weight)
        .build()
        .unwrap();
    let action = HttpRouteAction::builder().weighted_targets(target).build().unwrap();
    let route = HttpRoute::builder()
        .r#match(HttpRouteMatch::builder().prefix("/").build())
        .action(action)
        .build();
    RouteSpec::builder().http_route(route).build()
}

fn service_spec() -> VirtualServiceSpec {
    let router = VirtualRouterServiceProvider::builder()
        .virtual_router_name("split")
        .build()
        .unwrap();
    VirtualServiceSpec::builder()
        .provider(VirtualServiceProvider::VirtualRouter(router))
        .build()
}

fn gateway_spec(port: i32) -> VirtualGatewaySpec {
    let mapping = VirtualGatewayPortMapping::builder()
        .port(port)
        .protocol(VirtualGatewayPortProtocol::Http)
        .build();
    let listener = VirtualGatewayListener::builder().port_mapping(mapping.unwrap()).build();
    VirtualGatewaySpec::builder().listeners(listener).build().unwrap()
}

fn gateway_route_spec(priority: i32) -> GatewayRouteSpec {
    let service = GatewayRouteVirtualService::builder()
        .virtual_service_name("blue.local")
        .build()
        .unwrap();
    let target = GatewayRouteTarget::builder().virtual_service(service).build();
    let action = HttpGatewayRouteAction::builder().target(target).build();
    let matching = HttpGatewayRouteMatch::builder().prefix("/").build();
    let route = HttpGatewayRoute::builder().r#match(matching).action(action).build();
    GatewayRouteSpec::builder().priority(priority).http_route(route).build()
}

/// Creates, describes, updates, lists and deletes a resource, with typed requests and responses.
macro_rules! check_life {
    ($client:ident, $field:ident, $list:ident, [$($name:ident = $value:literal),*], [$($container:ident = $in:literal),*],
        $create:ident, $describe:ident, $update:ident, $list_operation:ident, $spec:expr, $other:expr) => {{
        let created = $client.$create()$(.$name($value))*.spec($spec).tags(tag("a", "1")).send().await.unwrap();
        let created = created.$field.unwrap();
        assert_eq!(created.metadata().unwrap().version(), 1);
        assert_eq!(created.spec().unwrap(), &$spec);
        let described = $client.$describe()$(.$name($value))*.send().await.unwrap();
        assert_eq!(described.$field.unwrap(), created);
        let updated = $client.$update()$(.$name($value))*.spec($other).send().await.unwrap().$field.unwrap();
        assert_eq!((updated.metadata().unwrap().version(), updated.spec().unwrap()), (2, &$other));
        let listed = $client.$list_operation()$(.$container($in))*.send().await.unwrap();
        assert_eq!(listed.$list()[0].arn(), created.metadata().unwrap().arn());
        updated
    }};
}

#[tokio::test]
async fn every_operation_works() {
    let server = Server::with_store(MemoryStore::new(), Settings::default());
    let client = client(&server.url());
    let allow = EgressFilter::builder()
        .r#type(EgressFilterType::AllowAll)
        .build()
        .unwrap();
    let spec = MeshSpec::builder().egress_filter(allow).build();
    let mesh = check_life!(
        client,
        mesh,
        meshes,
        [mesh_name = "demo"],
        [],
        create_mesh,
        describe_mesh,
        update_mesh,
        list_meshes,
        spec.clone(),
        MeshSpec::builder().build()
    );
    let error = client
        .create_mesh()
        .mesh_name("demo")
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert!(matches!(error, CreateMeshError::ConflictException(_)), "{error:?}");

    check_life!(
        client,
        virtual_node,
        virtual_nodes,
        [mesh_name = "demo", virtual_node_name = "blue"],
        [mesh_name = "demo"],
        create_virtual_node,
        describe_virtual_node,
        update_virtual_node,
        list_virtual_nodes,
        node_spec(80),
        node_spec(81)
    );
    check_life!(
        client,
        virtual_router,
        virtual_routers,
        [mesh_name = "demo", virtual_router_name = "split"],
        [mesh_name = "demo"],
        create_virtual_router,
        describe_virtual_router,
        update_virtual_router,
        list_virtual_routers,
        router_spec(80),
        router_spec(81)
    );
    check_life!(
        client,
        route,
        routes,
        [mesh_name = "demo", virtual_router_name = "split", route_name = "all"],
        [mesh_name = "demo", virtual_router_name = "split"],
        create_route,
        describe_route,
        update_route,
        list_routes,
        route_spec(1),
        route_spec(100)
    );
    check_life!(
        client,
        virtual_service,
        virtual_services,
        [mesh_name = "demo", virtual_service_name = "blue.local"],
        [mesh_name = "demo"],
        create_virtual_service,
        describe_virtual_service,
        update_virtual_service,
        list_virtual_services,
        VirtualServiceSpec::builder().build(),
        service_spec()
    );
    check_life!(
        client,
        virtual_gateway,
        virtual_gateways,
        [mesh_name = "demo", virtual_gateway_name = "door"],
        [mesh_name = "demo"],
        create_virtual_gateway,
        describe_virtual_gateway,
        update_virtual_gateway,
        list_virtual_gateways,
        gateway_spec(80),
        gateway_spec(81)
    );
    check_life!(
        client,
        gateway_route,
        gateway_routes,
        [
            mesh_name = "demo",
            virtual_gateway_name = "door",
            gateway_route_name = "blue"
        ],
        [mesh_name = "demo", virtual_gateway_name = "door"],
        create_gateway_route,
        describe_gateway_route,
        update_gateway_route,
        list_gateway_routes,
        gateway_route_spec(1),
        gateway_route_spec(2)
    );

    let arn = mesh.metadata().unwrap().arn();
    client
        .tag_resource()
        .resource_arn(arn)
        .tags(tag("b", "2"))
        .send()
        .await
        .unwrap();
    client
        .untag_resource()
        .resource_arn(arn)
        .tag_keys("a")
        .send()
        .await
        .unwrap();
    let tags = client.list_tags_for_resource().resource_arn(arn).send().await.unwrap();
    assert_eq!(tags.tags(), [tag("b", "2")]);

    let error = client
        .delete_mesh()
        .mesh_name("demo")
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert!(error.is_resource_in_use_exception(), "{error:?}");
    let gateway_route = client
        .delete_gateway_route()
        .mesh_name("demo")
        .virtual_gateway_name("door")
        .gateway_route_name("blue");
    gateway_route.send().await.unwrap();
    client
        .delete_virtual_gateway()
        .mesh_name("demo")
        .virtual_gateway_name("door")
        .send()
        .await
        .unwrap();
    client
        .delete_virtual_service()
        .mesh_name("demo")
        .virtual_service_name("blue.local")
        .send()
        .await
        .unwrap();
    let route = client
        .delete_route()
        .mesh_name("demo")
        .virtual_router_name("split")
        .route_name("all");
    route.send().await.unwrap();
    client
        .delete_virtual_router()
        .mesh_name("demo")
        .virtual_router_name("split")
        .send()
        .await
        .unwrap();
    let node = client
        .delete_virtual_node()
        .mesh_name("demo")
        .virtual_node_name("blue")
        .send()
        .await
        .unwrap();
    let node = node.virtual_node.unwrap();
    assert_eq!(node.status().unwrap().status(), &VirtualNodeStatusCode::Deleted);
    let deleted = client
        .delete_mesh()
        .mesh_name("demo")
        .send()
        .await
        .unwrap()
        .mesh
        .unwrap();
    assert_eq!(deleted.status().unwrap().status(), Some(&MeshStatusCode::Deleted));
    let error = client
        .describe_mesh()
        .mesh_name("demo")
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert!(error.is_not_found_exception(), "{error:?}");
}

#[tokio::test]
async fn paginators_collect_all_items() {
    let server = Server::with_store(MemoryStore::new(), Settings::default());
    let client = client(&server.url());
    client.create_mesh().mesh_name("demo").send().await.unwrap();
    let expected: Vec<String> = (0..25).map(|number| format!("node {number:02}")).collect();
    for name in &expected {
        let create = client.create_virtual_node().mesh_name("demo").virtual_node_name(name);
        create.spec(VirtualNodeSpec::builder().build()).send().await.unwrap();
    }
    let mut pages = client
        .list_virtual_nodes()
        .mesh_name("demo")
        .into_paginator()
        .page_size(7)
        .items()
        .send();
    let mut names = Vec::new();
    while let Some(node) = pages.next().await {
        names.push(node.unwrap().virtual_node_name);
    }
    assert_eq!(names, expected);
}
