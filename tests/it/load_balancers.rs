//! Load balancers and certificates: templates behind an application load balancer, as a user runs them.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use testkit::wait_until;
use tokio::process::Command;

use crate::http::{Load, get};
use crate::run::Run;
use crate::workdir::Workdir;

/// Two services behind a load balancer: paths, a redirect to HTTPS, a fixed response, and weights.
const SHOP: &str = "
Parameters: {Weight: {Type: Number, Default: 0}}
Resources:
  Certificate:
    Type: AWS::CertificateManager::Certificate
    Properties: {DomainName: shop.test, SubjectAlternativeNames: ['*.shop.test'], ValidationMethod: DNS}
  Alb: {Type: AWS::ElasticLoadBalancingV2::LoadBalancer, Properties: {Name: shop, Subnets: [!ImportValue 'net:A']}}
  Http:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties:
      LoadBalancerArn: !Ref Alb
      Port: 80
      Protocol: HTTP
      DefaultActions: [{Type: redirect, RedirectConfig: {Protocol: HTTPS, Port: '443', StatusCode: HTTP_301}}]
  Https:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties:
      LoadBalancerArn: !Ref Alb
      Port: 443
      Protocol: HTTPS
      Certificates: [{CertificateArn: !Ref Certificate}]
      DefaultActions:
        - Type: authenticate-oidc
          Order: 1
          AuthenticateOidcConfig:
            {Issuer: a, AuthorizationEndpoint: b, TokenEndpoint: c, UserInfoEndpoint: d, ClientId: e, ClientSecret: f}
        - {Type: forward, Order: 2, TargetGroupArn: !Ref Web}
  ApiRule:
    Type: AWS::ElasticLoadBalancingV2::ListenerRule
    Properties:
      ListenerArn: !Ref Https
      Priority: 10
      Conditions: [{Field: host-header, Values: [api.shop.test]}]
      Actions:
        - Type: forward
          ForwardConfig:
            TargetGroups: [{TargetGroupArn: !Ref Api, Weight: 100}, {TargetGroupArn: !Ref Web, Weight: !Ref Weight}]
  PingRule:
    Type: AWS::ElasticLoadBalancingV2::ListenerRule
    Properties:
      ListenerArn: !Ref Https
      Priority: 5
      Conditions: [{Field: path-pattern, PathPatternConfig: {Values: [/ping]}}]
      Actions: [{Type: fixed-response, FixedResponseConfig: {StatusCode: '200', ContentType: text/plain, MessageBody: pong}}]
  DeadRule:
    Type: AWS::ElasticLoadBalancingV2::ListenerRule
    Properties:
      ListenerArn: !Ref Https
      Priority: 20
      Conditions: [{Field: host-header, Values: [API.shop.test]}, {Field: path-pattern, Values: [/v1/*]}]
      Actions: [{Type: forward, TargetGroupArn: !Ref Web}]
  Web:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties: {VpcId: vpc-1, Port: 80, Protocol: HTTP, TargetType: ip, HealthCheckIntervalSeconds: 5}
  Api:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties: {VpcId: vpc-1, Port: 80, Protocol: HTTP, TargetType: ip, HealthCheckIntervalSeconds: 5}
  WebTask:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
        - {Name: web, Image: team/web, PortMappings: [{ContainerPort: 80}], Environment: [{Name: SERVICE_NAME, Value: web}]}
  ApiTask:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
        - Name: api
          Image: team/api
          PortMappings: [{ContainerPort: 8080}]
          Environment: [{Name: SERVICE_NAME, Value: api}, {Name: ENTRY, Value: !GetAtt Alb.DNSName}]
  WebService:
    Type: AWS::ECS::Service
    Properties:
      ServiceName: web
      TaskDefinition: !Ref WebTask
      LoadBalancers: [{TargetGroupArn: !Ref Web, ContainerName: web, ContainerPort: 80}]
  ApiService:
    Type: AWS::ECS::Service
    Properties:
      ServiceName: api
      DesiredCount: 2
      TaskDefinition: !Ref ApiTask
      LoadBalancers: [{TargetGroupArn: !Ref Api, ContainerName: api, ContainerPort: 8080}]
";

fn up(workdir: &Workdir, template: &Path, arguments: &[&str]) -> Command {
    let template = template.display().to_string();
    workdir.meshwright(&[&["up", "--stub", "--template", &template], arguments].concat())
}

/// The address of a listener in the usage hints.
fn entrance(run: &Run<'_>, load_balancer: &str, port: u16) -> String {
    address(run, &format!("# load balancer {load_balancer}, port {port}"))
}

/// The address in the usage hint that ends so.
fn address(run: &Run<'_>, ending: &str) -> String {
    let printed = run.printed().stdout;
    let line = printed.lines().find_map(|line| line.trim().strip_suffix(ending));
    let line = line.unwrap_or_else(|| panic!("no line ends with `{ending}` in:\n{printed}"));
    let url = line.split_whitespace().last().expect("a URL");
    url.trim_start_matches("https://")
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .to_owned()
}

/// What `curl` prints with these arguments.
async fn curl(arguments: &[&str]) -> String {
    let mut command = Command::new("curl");
    command
        .args(["--silent", "--show-error", "--noproxy", "*", "--max-time", "20"])
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = command.output().await.expect("curl can be started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_are_called_through_their_load_balancer() {
    let workdir = Workdir::new();
    let file = workdir.file("shop.yaml", SHOP);
    let run = Run::up(&workdir, up(&workdir, &file, &["--parameter", "Weight=0"])).await;
    let printed = run.printed();
    for expected in [
        ".Properties.DefaultActions[0] (action authenticate-oidc: every caller passes)",
        "shop.yaml:50:7: Resources.DeadRule.Properties.Conditions: never matches: Resources.ApiRule, which is tried first",
        "a development certificate for *.shop.test, api.shop.test, shop-",
    ] {
        assert!(
            printed.stderr.contains(expected),
            "no `{expected}` in {}",
            printed.stderr
        );
    }
    let hints = printed.stdout.split("From another terminal:").nth(1).expect("hints");
    assert!(hints.trim_start().starts_with("curl http://"), "{hints}");
    let authority = workdir
        .path("state/meshwright/development-ca/ca.pem")
        .display()
        .to_string();
    assert!(hints.contains(&format!("  trust {authority}    # ")), "{hints}");

    let (http, https) = (entrance(&run, "shop", 80), entrance(&run, "shop", 443));
    let status = ["--output", "/dev/null", "--write-out", "%{http_code} %{redirect_url}"];
    let to = format!("http://{http}/a?b=c");
    let redirected = curl(&[&status[..], &[&to]].concat()).await;
    assert_eq!(redirected, format!("301 https://{https}/a?b=c"));
    let trusted = ["--cacert", authority.as_str()];
    let call = async |host: &str, path: &str| {
        let (host, url) = (format!("host: {host}"), format!("https://{https}{path}"));
        curl(&[&trusted[..], &["--header", &host, &url]].concat()).await
    };
    assert_eq!(call("shop.test", "/ping").await, "pong");
    let named = |name: &str| format!(r#"{{"message":"ok","service":"{name}","version":"unknown"}}"#);
    assert_eq!(call("shop.test", "/").await, named("web"));
    assert_eq!(call("api.shop.test", "/").await, named("api"));
    let without = curl(&[&format!("https://{https}/ping")]).await;
    assert!(without.contains("certificate"), "{without}");
    let port = https.rsplit(':').next().expect("a port");
    let named = format!("https://www.shop.test:{port}/ping");
    let resolve = format!("www.shop.test:{port}:127.0.0.1");
    assert_eq!(
        curl(&[&trusted[..], &["--resolve", &resolve, &named]].concat()).await,
        "pong"
    );
    run.stop().await;
}

/// One service behind a load balancer.
fn simple(count: u32, version: u32) -> String {
    format!(
        "
Resources:
  Lb: {{Type: AWS::ElasticLoadBalancingV2::LoadBalancer}}
  Listener:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties:
      {{LoadBalancerArn: !Ref Lb, Port: 80, Protocol: HTTP, DefaultActions: [{{Type: forward, TargetGroupArn: !Ref Group}}]}}
  Group:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties: {{Port: 80, Protocol: HTTP, HealthCheckIntervalSeconds: 5}}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
        - Name: app
          Image: team/app
          PortMappings: [{{ContainerPort: 80}}]
          Environment: [{{Name: SERVICE_NAME, Value: app}}, {{Name: DEPLOYED, Value: '{version}'}}]
  Service:
    Type: AWS::ECS::Service
    Properties:
      ServiceName: app
      DesiredCount: {count}
      TaskDefinition: !Ref Task
      LoadBalancers: [{{TargetGroupArn: !Ref Group, ContainerName: app, ContainerPort: 80}}]
"
    )
}

const APP: &str = r#"{"message":"ok","service":"app","version":"unknown"}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_are_replaced_behind_a_load_balancer_without_failed_requests() {
    let workdir = Workdir::new();
    let file = workdir.file("app.yaml", &simple(2, 1));
    let mut run = Run::up(&workdir, up(&workdir, &file, &[])).await;
    let url = format!("http://{}/", entrance(&run, "app-Lb", 80));
    let load = Load::start(&url, APP);
    let save = |text: &str| {
        let new = workdir.file("new", text);
        std::fs::rename(new, &file).expect("the workdir can be written to");
    };
    save(&simple(2, 2));
    let applied = "template changed: applied, every Envoy has responded (ACK or NACK) after ";
    run.wait_for_lines(1, applied, "; started app/3, app/4; stopped app/1, app/2")
        .await;
    save(&simple(1, 2));
    run.wait_for_lines(1, applied, "; stopped app/4").await;
    let counters = load.stop().await;
    assert!(counters.calls > 0 && counters.failures.is_empty(), "{counters:#?}");

    // Without tasks, the load balancer answers itself.
    save(&simple(0, 2));
    run.wait_for_lines(1, applied, "; stopped app/3").await;
    wait_until("no target is left", async || {
        get(&url).await.is_ok_and(|(status, _)| status == 503)
    })
    .await;
    run.stop().await;
}

/// An application whose health check fails while the file `sick` exists.
const SICK_APP: &str = r#"
import http.server, os, sys
class App(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(500 if self.path == "/health" and os.path.exists(sys.argv[1]) else 200)
        self.send_header("content-length", "0")
        self.end_headers()
    def log_message(self, *arguments): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), App).serve_forever()
"#;

/// Starts that application behind a load balancer, with this grace period.
async fn up_with_sick_app<'w>(workdir: &'w Workdir, grace: u32) -> Run<'w> {
    let template = simple(1, 1)
        .replace(
            "HealthCheckIntervalSeconds: 5",
            "HealthCheckIntervalSeconds: 1, HealthCheckPath: /health",
        )
        .replace(
            "PortMappings:",
            "DockerLabels: {meshwright.port.80: PORT}\n          PortMappings:",
        )
        .replace(
            "DesiredCount:",
            &format!("HealthCheckGracePeriodSeconds: {grace}\n      DesiredCount:"),
        );
    let template = workdir.file("app.yaml", &template).display().to_string();
    let app = workdir.file("app.py", SICK_APP);
    let image = format!("team/app=python3 {} {}", app.display(), workdir.path("sick").display());
    Run::up(
        workdir,
        workdir.meshwright(&["up", "--template", &template, "--image", &image]),
    )
    .await
}

const SICK: &str = "fails the health checks of target group app-Group at 127.0.0.1:";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_fails_the_health_checks_of_its_target_group_is_replaced() {
    let workdir = Workdir::new();
    let mut run = up_with_sick_app(&workdir, 0).await;
    let url = format!("http://{}/", entrance(&run, "app-Lb", 80));
    assert_eq!(get(&url).await.map(|(status, _)| status), Ok(200));
    let sick = workdir.file("sick", "");
    run.wait_for_lines(1, "app/1: ", SICK).await;
    std::fs::remove_file(sick).expect("it is there");
    run.wait_for_lines(2, "app/1: running after ", "").await;
    wait_until("the load balancer calls the new task", async || {
        get(&url).await.is_ok_and(|(status, _)| status == 200)
    })
    .await;
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_health_checks_count_after_the_grace_period() {
    let workdir = Workdir::new();
    workdir.file("sick", "");
    let mut run = up_with_sick_app(&workdir, 6).await;
    let running = Instant::now();
    run.wait_for_lines(1, "app/1: ", SICK).await;
    // Without it, it would be the two seconds of two checks.
    assert!(running.elapsed() > Duration::from_secs(4), "{:?}", running.elapsed());
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_balancer_is_reached_from_this_machine_and_from_tasks_with_networks_of_their_own() {
    let workdir = crate::namespaces::workdir();
    let file = workdir.file("app.yaml", &simple(1, 1));
    let run = Run::up(&workdir, up(&workdir, &file, &["--network", "namespaces"])).await;
    let url = format!("http://{}/", entrance(&run, "app-Lb", 80));
    assert_eq!(get(&url).await, Ok((200, APP.to_owned())));
    // The end of one program ends all others of its workdir.
    let other = Workdir::new();
    let translate = other.meshwright(&[
        "translate",
        "--template",
        &file.display().to_string(),
        "--node",
        "loadBalancer/app-Lb",
    ]);
    let translated = Run::to_end(&other, translate).await;
    assert_eq!(translated.code, Some(0), "{translated:?}");
    let host = host_name(&other, &file).await;
    let inside = crate::namespaces::get_inside(&run, "app/1", &format!("http://{host}/")).await;
    assert_eq!(inside, format!("200 {APP}"));
    run.stop().await;
}

/// The host name of the load balancer, as a template reads it.
async fn host_name(workdir: &Workdir, file: &Path) -> String {
    let text = std::fs::read_to_string(file).expect("the template");
    let text = text.replace("ServiceName: app", "ServiceName: !GetAtt Lb.DNSName");
    // Named as the other: the stack's name is part of the host name.
    let file = workdir.file("app.yaml", &text).display().to_string();
    let ended = Run::to_end(workdir, workdir.meshwright(&["check", "--stub", "--template", &file])).await;
    // Its dots are not allowed in names of services, and the message has the value.
    let name = ended
        .stderr
        .split("ServiceName: is `")
        .nth(1)
        .and_then(|rest| rest.split('`').next());
    name.unwrap_or_else(|| panic!("{ended:?}")).to_owned()
}

/// A gateway with a certificate of Certificate Manager, and mutual TLS between two nodes whose files do not exist.
const MUTUAL_TLS: &str = "
Resources:
  Ns: {Type: AWS::ServiceDiscovery::PrivateDnsNamespace, Properties: {Name: shop.local, Vpc: vpc-1}}
  Registry:
    Type: AWS::ServiceDiscovery::Service
    Properties: {Name: app, DnsConfig: {NamespaceId: !Ref Ns, DnsRecords: [{Type: A, TTL: 60}]}}
  Mesh: {Type: AWS::AppMesh::Mesh, Properties: {MeshName: shop}}
  Node:
    Type: AWS::AppMesh::VirtualNode
    Properties:
      MeshName: !GetAtt Mesh.MeshName
      VirtualNodeName: app
      Spec:
        Listeners:
          - PortMapping: {Port: 8080, Protocol: http}
            TLS:
              Mode: STRICT
              Certificate: {File: {CertificateChain: /keys/app_chain.pem, PrivateKey: /keys/app_key.pem}}
              Validation:
                Trust: {File: {CertificateChain: /keys/clients.pem}}
                SubjectAlternativeNames: {Match: {Exact: [gateway.shop.local]}}
        ServiceDiscovery: {AWSCloudMap: {NamespaceName: shop.local, ServiceName: app}}
  Vs:
    Type: AWS::AppMesh::VirtualService
    Properties:
      MeshName: !GetAtt Mesh.MeshName
      VirtualServiceName: app.shop.local
      Spec: {Provider: {VirtualNode: {VirtualNodeName: !GetAtt Node.VirtualNodeName}}}
  Gateway:
    Type: AWS::AppMesh::VirtualGateway
    Properties:
      MeshName: !GetAtt Mesh.MeshName
      VirtualGatewayName: gateway
      Spec:
        BackendDefaults:
          ClientPolicy:
            TLS:
              Enforce: true
              Certificate: {File: {CertificateChain: /keys/gateway_chain.pem, PrivateKey: /keys/gateway_key.pem}}
              Validation: {Trust: {ACM: {CertificateAuthorityArns: ['arn:aws:acm-pca:eu-west-1:1:certificate-authority/a']}}}
        Listeners:
          - PortMapping: {Port: 9080, Protocol: http}
            TLS: {Mode: STRICT, Certificate: {ACM: {CertificateArn: 'arn:aws:acm:eu-west-1:1:certificate/x'}}}
  Route:
    Type: AWS::AppMesh::GatewayRoute
    Properties:
      MeshName: !GetAtt Mesh.MeshName
      VirtualGatewayName: !GetAtt Gateway.VirtualGatewayName
      Spec: {HttpRoute: {Match: {Prefix: /}, Action: {Target: {VirtualService: {VirtualServiceName: app.shop.local}}}}}
  AppTask:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
        - {Name: app, Image: team/app, PortMappings: [{ContainerPort: 8080}], Environment: [{Name: SERVICE_NAME, Value: app}]}
        - {Name: envoy, Image: aws-appmesh-envoy, Environment: [{Name: APPMESH_RESOURCE_ARN, Value: mesh/shop/virtualNode/app}]}
  App:
    Type: AWS::ECS::Service
    Properties: {ServiceName: app, TaskDefinition: !Ref AppTask, ServiceRegistries: [{RegistryArn: !GetAtt Registry.Arn}]}
  GatewayTask:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
        - Name: envoy
          Image: aws-appmesh-envoy
          PortMappings: [{ContainerPort: 9080}]
          Environment: [{Name: APPMESH_RESOURCE_ARN, Value: mesh/shop/virtualGateway/gateway}]
  GatewayService: {Type: AWS::ECS::Service, Properties: {ServiceName: gateway, TaskDefinition: !Ref GatewayTask}}
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn meshes_with_certificates_of_aws_serve_with_those_of_the_development_authority() {
    let workdir = Workdir::new();
    let file = workdir.file("shop.yaml", MUTUAL_TLS);
    let run = Run::up(&workdir, up(&workdir, &file, &[])).await;
    let printed = run.printed();
    let noted: BTreeSet<&str> = printed
        .stderr
        .lines()
        .filter(|line| line.contains("a development certificate for "))
        .filter_map(|line| line.split('`').nth(1))
        .collect();
    let expected = [
        "/keys/app_chain.pem",
        "/keys/gateway_chain.pem",
        "arn:aws:acm:eu-west-1:1:certificate/x",
    ];
    assert_eq!(noted, BTreeSet::from(expected), "{}", printed.stderr);
    let address = address(&run, "# gateway/1, port 9080");
    let authority = workdir
        .path("state/meshwright/development-ca/ca.pem")
        .display()
        .to_string();
    let answer = curl(&["--cacert", &authority, &format!("https://{address}/")]).await;
    assert_eq!(answer, APP);
    let plain = curl(&[&format!("http://{address}/")]).await;
    assert!(!plain.contains("service"), "{plain}");
    run.stop().await;
}

#[tokio::test]
async fn certificates_that_are_given_are_checked() {
    let workdir = Workdir::new();
    let file = workdir.file("shop.yaml", MUTUAL_TLS);
    let template = file.display().to_string();
    let pair = |name: &str| {
        let key = rcgen::KeyPair::generate().expect("a key");
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).expect("a name");
        let certificate = params.self_signed(&key).expect("a certificate");
        let certificate = workdir.file(&format!("{name}.pem"), &certificate.pem());
        let key = workdir.file(&format!("{name}.key"), &key.serialize_pem());
        (certificate.display().to_string(), key.display().to_string())
    };
    let ((first, own_key), (_, other_key)) = (pair("first"), pair("other"));
    let arn = "arn:aws:acm:eu-west-1:1:certificate/x";
    let (fitting, wrong) = (format!("{arn}={first},{own_key}"), format!("{arn}={first},{other_key}"));
    let gone = format!("/keys/app_chain.pem={}", workdir.path("gone.pem").display());
    let check = async |certificates: &[&str]| {
        let mut arguments = vec!["check", "--stub", "--template", template.as_str()];
        arguments.extend(
            certificates
                .iter()
                .flat_map(|certificate| ["--certificate", certificate]),
        );
        Run::to_end(&workdir, workdir.meshwright(&arguments)).await
    };
    let ended = check(&[&wrong, &gone]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for expected in [
        format!("--certificate {wrong}: the key in {other_key} is not that of the first certificate in {first}\n"),
        format!(
            "--certificate {gone}: cannot read {}",
            workdir.path("gone.pem").display()
        ),
    ] {
        assert!(ended.stderr.contains(&expected), "no `{expected}` in {ended:?}");
    }
    let ended = check(&[&fitting]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    let misspelt = fitting.replace("certificate/x", "certificate/y");
    let ended = check(&[&misspelt]).await;
    let expected = "warning: --certificate arn:aws:acm:eu-west-1:1:certificate/y: nothing uses this certificate; did you mean \
                    arn:aws:acm:eu-west-1:1:certificate/x?\n";
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), expected));
}
