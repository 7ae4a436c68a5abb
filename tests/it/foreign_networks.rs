//! Templates of others in network namespaces: programs that know neither labels nor a client library.

use std::path::Path;

use testkit::wait_until;

use crate::namespaces::{as_root, get_inside, output, stop, workdir};
use crate::run::Run;

/// A gateway on port 80 with an image of its own, a service that is no backend of itself, a container with the user that is
/// not redirected, and a service outside of the mesh.
const TEMPLATE: &str = r#"
Resources:
  Ns: {Type: AWS::ServiceDiscovery::PrivateDnsNamespace, Properties: {Name: shop.local, Vpc: vpc-1}}
  Cluster: {Type: AWS::ECS::Cluster}
  Mesh: {Type: AWS::AppMesh::Mesh, Properties: {MeshName: shop, Spec: {EgressFilter: {Type: DROP_ALL}}}}
  Node:
    Type: AWS::AppMesh::VirtualNode
    Properties:
      MeshName: shop
      VirtualNodeName: app
      Spec:
        Listeners: [{PortMapping: {Port: 8080, Protocol: http}}]
        ServiceDiscovery: {AWSCloudMap: {NamespaceName: shop.local, ServiceName: app}}
  Vs: {Type: AWS::AppMesh::VirtualService, Properties: {MeshName: shop, VirtualServiceName: app.shop.local, Spec: {Provider: {VirtualNode: {VirtualNodeName: app}}}}}
  Gw: {Type: AWS::AppMesh::VirtualGateway, Properties: {MeshName: shop, VirtualGatewayName: gw, Spec: {Listeners: [{PortMapping: {Port: 80, Protocol: http}}]}}}
  GwRoute: {Type: AWS::AppMesh::GatewayRoute, Properties: {MeshName: shop, VirtualGatewayName: gw, GatewayRouteName: all, Spec: {HttpRoute: {Match: {Prefix: /}, Action: {Target: {VirtualService: {VirtualServiceName: app.shop.local}}}}}}}
  Entry: {Type: AWS::ServiceDiscovery::Service, Properties: {Name: app, NamespaceId: !Ref Ns, DnsConfig: {DnsRecords: [{Type: A, TTL: 3}]}}}
  PlainEntry: {Type: AWS::ServiceDiscovery::Service, Properties: {Name: plain, NamespaceId: !Ref Ns, DnsConfig: {DnsRecords: [{Type: A, TTL: 3}, {Type: SRV, TTL: 7}]}}}
  Fixed: {Type: AWS::ServiceDiscovery::Instance, Properties: {ServiceId: !Ref FixedEntry, InstanceId: db, InstanceAttributes: {AWS_INSTANCE_IPV4: 192.0.2.7}}}
  FixedEntry: {Type: AWS::ServiceDiscovery::Service, Properties: {Name: db, NamespaceId: !Ref Ns, DnsConfig: {DnsRecords: [{Type: A, TTL: 60}]}}}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      NetworkMode: awsvpc
      ProxyConfiguration:
        Type: APPMESH
        ContainerName: proxy
        ProxyConfigurationProperties:
          - {Name: IgnoredUID, Value: "1337"}
          - {Name: AppPorts, Value: "8080"}
          - {Name: ProxyIngressPort, Value: "15000"}
          - {Name: ProxyEgressPort, Value: "15001"}
      ContainerDefinitions:
        - {Name: app, Image: server, Environment: [{Name: NAME, Value: app}], PortMappings: [{ContainerPort: 8080}]}
        - {Name: metrics, Image: metrics, User: "1337", Essential: false}
        - {Name: proxy, Image: team/proxy, User: "1337", Environment: [{Name: APPMESH_VIRTUAL_NODE_NAME, Value: mesh/shop/virtualNode/app}]}
  App: {Type: AWS::ECS::Service, Properties: {ServiceName: app, Cluster: !Ref Cluster, TaskDefinition: !Ref Task, ServiceRegistries: [{RegistryArn: !GetAtt Entry.Arn}]}}
  GwTask:
    Type: AWS::ECS::TaskDefinition
    Properties:
      NetworkMode: awsvpc
      ContainerDefinitions: [{Name: door, Image: team/door, PortMappings: [{ContainerPort: 80}], Environment: [{Name: APPMESH_RESOURCE_ARN, Value: mesh/shop/virtualGateway/gw}]}]
  Door: {Type: AWS::ECS::Service, Properties: {ServiceName: door, Cluster: !Ref Cluster, TaskDefinition: !Ref GwTask}}
  PlainTask:
    Type: AWS::ECS::TaskDefinition
    Properties:
      NetworkMode: awsvpc
      ContainerDefinitions: [{Name: plain, Image: server, User: "1000", Environment: [{Name: NAME, Value: plain}], PortMappings: [{ContainerPort: 8080}]}]
  Plain: {Type: AWS::ECS::Service, Properties: {ServiceName: plain, Cluster: !Ref Cluster, TaskDefinition: !Ref PlainTask, ServiceRegistries: [{RegistryArn: !GetAtt PlainEntry.Arn}]}}
"#;

/// An HTTP server on the port of the template, which responds with its name and user.
const SERVER: &str = r#"
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = ("%s as %d" % (os.environ["NAME"], os.getuid())).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"#;

/// Calls the service outside of the mesh until it is there, and prints its response.
const METRICS: &str = r#"
import os, time, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
while True:
    try:
        print("uid %d:" % os.getuid(), opener.open("http://plain.shop.local:8080/", timeout=3).read().decode(), flush=True)
        break
    except OSError as error:
        print(error, flush=True)
        time.sleep(0.1)
time.sleep(1000)
"#;

/// A program with this text: an executable file in a directory that only its owner can enter, as in a home directory.
fn program(directory: &Path, name: &str, text: &str) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let file = directory.join(name);
    std::fs::write(&file, format!("#!/usr/bin/env python3\n{text}")).expect("the directory is there");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    file.display().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_template_without_labels_runs_as_it_is() {
    use std::os::unix::fs::PermissionsExt as _;
    let workdir = workdir();
    let private = workdir.path("private");
    std::fs::create_dir(&private).expect("a directory");
    let server = program(&private, "server", SERVER);
    let metrics = program(&private, "metrics", METRICS);
    std::fs::set_permissions(&private, std::fs::Permissions::from_mode(0o700)).expect("it is ours");
    let template = workdir.file("shop.yaml", TEMPLATE).display().to_string();
    let arguments = [
        "up",
        "--network",
        "namespaces",
        "--template",
        &template,
        "--image",
        &format!("server={server}"),
        "--image",
        &format!("metrics={metrics}"),
    ];
    let run = Run::up(&workdir, as_root(&workdir, workdir.meshwright(&arguments))).await;

    // The gateway is on its own port, below 1024.
    let hint = run.printed().stdout;
    let door = hint
        .lines()
        .find_map(|line| line.trim().strip_suffix("    # door/1, port 80"))
        .and_then(|line| line.split_once("curl "))
        .map(|(_, url)| url.to_owned());
    let door = door.unwrap_or_else(|| panic!("no gateway in:\n{hint}"));
    assert!(
        door.ends_with(":80/") || !door.trim_end_matches('/').ends_with(':'),
        "{door}"
    );
    assert_eq!(get_inside(&run, "plain/1", &door).await, "200 app as 0");

    // A user of the image, and a service that reaches itself without being its own backend.
    assert_eq!(
        get_inside(&run, "plain/1", "http://plain.shop.local:8080/").await,
        "200 plain as 1000"
    );
    assert_eq!(
        get_inside(&run, "app/1", "http://app.shop.local:8080/").await,
        "200 app as 0"
    );
    // The mesh drops other calls, except those of the ignored user.
    let dropped = get_inside(&run, "app/1", "http://plain.shop.local:8080/").await;
    assert!(!dropped.contains("plain as"), "{dropped}");
    let log = Path::new(&run.logs()).join("app-1/metrics.log");
    wait_until("the ignored user reaches the service outside of the mesh", async || {
        std::fs::read_to_string(&log).is_ok_and(|log| log.contains("uid 1337: plain as 1000"))
    })
    .await;

    // Fixed instances, and names that do not exist.
    let enter = crate::namespaces::enter_command(&run, "plain/1");
    let hosts = output(&enter, &["getent", "ahostsv4", "db.shop.local"]).await;
    assert!(hosts.starts_with("192.0.2.7 "), "{hosts}");
    stop(run, &workdir).await;
}
