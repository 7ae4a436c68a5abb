//! Template files from any source: `meshwright up` and `meshwright check`.

use serde_json::json;

use crate::http::{BLUE, FETCHED, GREEN, body};
use crate::run::Run;
use crate::template::{changed, container, properties, service_connect_service};
use crate::workdir::Workdir;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_synthesised_template_runs_from_its_file() {
    let workdir = Workdir::new();
    let template = Run::to_end(&workdir, workdir.example(&["synth"])).await.stdout;
    let file = workdir
        .file("serviceconnect.template.json", &template)
        .display()
        .to_string();

    let ended = Run::to_end(&workdir, workdir.meshwright(&["check", "--template", &file])).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert_eq!(
        ended.stdout,
        "load balancer serviceconnect-EntranceLoadBalancer: port 80 (tcp)\n\
         service blue × 2: container app\n\
         service green × 1: container app\n\
         endpoint blue.serviceconnect:80 (http): service blue\n\
         endpoint green.serviceconnect:80 (http): service green\n\
         not simulated: Vpc, InternetGateway, InternetGatewayAttachment, RouteTable, InternetRoute and 9 more (AWS::EC2)\n\
         not simulated: BlueLogGroup, GreenLogGroup (AWS::Logs::LogGroup)\n\
         not simulated: BlueExecutionRole, GreenExecutionRole (AWS::IAM::Role)\n"
    );

    let run = Run::up(&workdir, workdir.meshwright(&["up", "--template", &file])).await;
    let green = run.url("# green/1, port http");
    assert_eq!(body(&green).await, GREEN);
    assert_eq!(body(&format!("{green}downstream/blue.serviceconnect")).await, FETCHED);
    assert_eq!(body(&run.url("# blue/2, port http")).await, BLUE);
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handwritten_template_runs() {
    const TEMPLATE: &str = "
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  Stage: {Type: String, Default: test, AllowedValues: [test, live]}
Mappings:
  Tasks:
    test: {Count: 1}
    live: {Count: 2}
Conditions:
  IsLive: !Equals [!Ref Stage, live]
Resources:
  Cluster:
    Type: AWS::ECS::Cluster
  Spare:
    Type: AWS::ECS::Service
    Condition: IsLive
    Properties: {Cluster: !Ref Cluster, TaskDefinition: !Ref Task, ServiceName: spare}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
        - Name: app
          Image: !Sub meshwright/demo-service:${Stage}
          Environment:
            - {Name: SERVICE_NAME, Value: !Join ['-', [web, !Ref Stage]]}
            - {Name: SERVICE_VERSION, Value: !If [IsLive, '1', '2']}
          PortMappings: [{ContainerPort: 3000}]
          DockerLabels: {meshwright.port.3000: SERVICE_PORT}
  Web:
    Type: AWS::ECS::Service
    Properties:
      Cluster: !Ref Cluster
      ServiceName: web
      TaskDefinition: !Ref Task
      DesiredCount: !FindInMap [Tasks, !Ref Stage, Count]
";
    let workdir = Workdir::new();
    let file = workdir.file("stack.yaml", TEMPLATE).display().to_string();
    let run = Run::up(&workdir, workdir.meshwright(&["up", "--template", &file])).await;
    let web = run.url("# web/1, without an Envoy");
    assert_eq!(
        body(&web).await,
        r#"{"message":"ok","service":"web-test","version":"2"}"#
    );
    run.stop().await;

    let live = ["check", "--template", &file, "--parameter", "Stage=live"];
    let ended = Run::to_end(&workdir, workdir.meshwright(&live)).await;
    assert_eq!(
        ended.stdout,
        "service spare × 1: container app\nservice web × 2: container app\n"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_program_can_replace_an_image() {
    let workdir = Workdir::new();
    std::fs::create_dir(workdir.path("www")).expect("a new directory");
    workdir.file("www/hello.txt", "hello");
    let file = changed(&workdir, |template| {
        properties(template, "BlueService")["DesiredCount"] = json!(1);
        *container(template, "Blue") = json!({
            "Name": "web",
            "Image": "registry.example:5000/team/files:1.2",
            "PortMappings": [{"Name": "http", "ContainerPort": 8000, "AppProtocol": "http"}],
            "DockerLabels": {"meshwright.port.8000": "PORT"}
        });
    });
    let file = file.display().to_string();
    let server = format!(
        "registry.example:5000/team/files=sh -c 'exec python3 -m http.server --bind 127.0.0.1 --directory {} $PORT'",
        workdir.path("www").display()
    );
    let run = Run::up(
        &workdir,
        workdir.meshwright(&["up", "--template", &file, "--image", &server]),
    )
    .await;
    assert_eq!(body(&(run.url("# blue/1, port http") + "hello.txt")).await, "hello");
    let through_green = run.url("# green/1, port http") + "downstream/blue.serviceconnect/hello.txt";
    assert_eq!(
        body(&through_green).await,
        r#"{"message":"fetched!","service":"green","response":"hello"}"#
    );
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_and_names_are_used_as_cloudformation_would() {
    let workdir = Workdir::new();
    let long = "long-".repeat(30);
    let file = changed(&workdir, |template| {
        template["Parameters"]["Tasks"] = json!({"Type": "Number"});
        template["Parameters"]["Prefix"] = json!({"Type": "String", "Default": "team"});
        template["Resources"]["Logs"] = json!({"Type": "AWS::Logs::LogGroup"});
        container(template, "Blue")["Secrets"] = json!([]);
        properties(template, "BlueService")["DesiredCount"] = json!({"Ref": "Tasks"});
        properties(template, "BlueService")["ServiceName"] = json!({"Fn::Sub": "${Prefix}-blue"});
        // As long as CDK's names may be; file names are derived from it.
        properties(template, "GreenService")["ServiceName"] = json!(long);
        service_connect_service(template, "Blue")["ClientAliases"][0]["DnsName"] = json!({"Fn::Sub": "blue.${Prefix}"});
    });
    let file = file.display().to_string();
    let run = Run::up(
        &workdir,
        workdir.meshwright(&["up", "--template", &file, "--parameter", "Tasks=1"]),
    )
    .await;
    assert!(
        run.printed()
            .stderr
            .contains("not simulated: BlueLogGroup, GreenLogGroup, Logs (AWS::Logs::LogGroup)\n")
    );
    let secrets = "not simulated: Resources.BlueTaskDefinition.Properties.ContainerDefinitions[0].Secrets (property)\n";
    assert!(run.printed().stderr.contains(secrets));
    assert!(run.printed().stderr.contains("team-blue/1: running after "));
    assert!(!run.printed().stderr.contains("team-blue/2"));
    let green = run.url(&format!("# {long}/1, port http"));
    assert_eq!(body(&format!("{green}downstream/blue.team")).await, FETCHED);
    run.stop().await;
}
