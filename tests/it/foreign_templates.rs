//! Templates that were not written for this program, in the forms in which people have them.

use crate::run::Run;
use crate::workdir::Workdir;

/// The end of `check --stub` with these arguments.
async fn check(workdir: &Workdir, arguments: &[&str]) -> (Option<i32>, String, String) {
    let command = workdir.meshwright(&[&["check", "--stub"], arguments].concat());
    let ended = Run::to_end(workdir, command).await;
    (ended.code, ended.stdout, ended.stderr)
}

const PARENT: &str = "
Resources:
  Base: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: ./parts/base.yaml, Parameters: {Name: demo}}}
  Api:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: !Sub 'https://${AWS::AccountId}.s3.amazonaws.com/v1/parts/service.yaml'
      Parameters: {Cluster: !GetAtt Base.Outputs.Cluster, Namespace: !GetAtt Base.Outputs.Namespace, Name: api}
";

const BASE: &str = "
Parameters: {Name: {Type: String}}
Resources:
  Ns: {Type: AWS::ServiceDiscovery::HttpNamespace, Properties: {Name: !Ref Name}}
  Cluster: {Type: AWS::ECS::Cluster}
Outputs:
  Cluster: {Value: !Ref Cluster, Export: {Name: base-Cluster}}
  Namespace: {Value: !GetAtt Ns.Arn}
";

const SERVICE: &str = "
Parameters: {Cluster: {Type: String}, Namespace: {Type: String}, Name: {Type: String}, Count: {Type: Number, Default: 1}}
Resources:
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions: [{Name: !Ref Name, Image: app:1, PortMappings: [{ContainerPort: 8080, Name: http}]}]
  Service:
    Type: AWS::ECS::Service
    Properties:
      ServiceName: !Ref Name
      Cluster: !Ref Cluster
      DesiredCount: !Ref Count
      TaskDefinition: !Ref Task
      ServiceConnectConfiguration:
        Enabled: true
        Namespace: !Ref Namespace
        Services: [{PortName: http, DiscoveryName: !Ref Name, ClientAliases: [{Port: 80, DnsName: !Ref Name}]}]
";

/// Writes a file below a directory of the working directory.
fn part(workdir: &Workdir, name: &str, text: &str) {
    std::fs::create_dir_all(workdir.path("parts")).expect("a directory");
    workdir.file(&format!("parts/{name}"), text);
}

#[tokio::test]
async fn nested_stacks_run_from_local_files() {
    let workdir = Workdir::new();
    part(&workdir, "base.yaml", BASE);
    part(&workdir, "service.yaml", SERVICE);
    let parent = workdir.file("shop.yaml", PARENT).display().to_string();
    let (code, stdout, stderr) = check(&workdir, &["--template", &parent]).await;
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    assert_eq!(
        stdout,
        "service api × 1: container api\nendpoint api:80 (tcp): service api\n"
    );

    // A template that is nowhere, and a stack that is nested in itself.
    let gone = workdir
        .file("gone.yaml", &PARENT.replace("base.yaml", "bse.yaml"))
        .display()
        .to_string();
    let (code, _, stderr) = check(&workdir, &["--template", &gone]).await;
    assert_eq!(code, Some(1), "{stderr}");
    assert!(
        stderr.contains("Resources.Base.Properties.TemplateURL: there is no file "),
        "{stderr}"
    );
    assert!(stderr.contains("bse.yaml; did you mean base.yaml?"), "{stderr}");
    let itself = "Resources: {Again: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: itself.yaml}}}";
    let itself = workdir.file("itself.yaml", itself).display().to_string();
    let (_, _, stderr) = check(&workdir, &["--template", &itself]).await;
    assert!(
        stderr.contains("Resources.Again.Properties.TemplateURL: is nested in itself: "),
        "{stderr}"
    );
    let url = PARENT
        .replace("parts/service.yaml", "other.yaml")
        .replace("./parts/base.yaml", "https://b/x.yaml?v=1");
    let parent = workdir.file("shop.yaml", &url).display().to_string();
    let (_, _, stderr) = check(&workdir, &["--template", &parent]).await;
    assert!(
        stderr.contains(
            "no local file for `https://b/x.yaml?v=1`; give one with --template-url 'https://b/x.yaml?v=1=FILE'"
        ),
        "{stderr}"
    );
}

#[tokio::test]
async fn stacks_of_one_shape_have_parameters_of_their_own() {
    let workdir = Workdir::new();
    let file = |name: &str, text: &str| workdir.file(name, text).display().to_string();
    let base = file("base.yaml", BASE);
    let (front, orders) = (file("front.yaml", SERVICE), file("orders.yaml", SERVICE));
    let of_front = r#"{"Parameters": {"Name": "front", "Namespace": "demo"}, "Tags": {"team": "web"}}"#;
    let of_front = file("front.params.json", of_front);
    let of_orders = r#"[{"ParameterKey": "Name", "ParameterValue": "orders"}, {"ParameterKey": "Namespace", "ParameterValue": "demo"}]"#;
    let of_orders = file("orders.json", of_orders);
    let (of_front, of_orders) = (format!("web={of_front}"), format!("orders={of_orders}"));
    let name = format!("{front}=web");
    let common = [
        "--template",
        &base,
        "--template",
        &front,
        "--template",
        &orders,
        "--parameter",
        "base.Name=demo",
        "--parameter",
        "Cluster=base-Cluster",
        "--stack-name",
        &name,
        "--parameters",
        &of_front,
        "--parameters",
        &of_orders,
    ];
    let (code, stdout, stderr) = check(&workdir, &[&common[..], &["--parameter", "orders.Count=3"]].concat()).await;
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    assert!(
        stdout.starts_with("service front × 1: container front\nservice orders × 3: container orders\n"),
        "{stdout}"
    );

    let (code, _, stderr) = check(&workdir, &[&common[..], &["--parameter", "order.Count=3"]].concat()).await;
    let expected = "error: --parameter order.Count: no stack is named `order`; did you mean orders?\n";
    assert_eq!((code, stderr.as_str()), (Some(1), expected));
}

#[tokio::test]
async fn errors_have_file_line_and_column_and_unread_values_a_warning() {
    let workdir = Workdir::new();
    let text = SERVICE.replace("DesiredCount: !Ref Count", "DesiredCount: !GetAtt Tsk.Count");
    let file = workdir.file("service.yaml", &text).display().to_string();
    let parameters = [
        "--parameter",
        "Cluster=c",
        "--parameter",
        "Namespace=n",
        "--parameter",
        "Name=api",
    ];
    let (code, _, stderr) = check(&workdir, &[&["--template", &file], &parameters[..]].concat()).await;
    let expected = format!(
        "error: this template cannot be run locally\n  {file}:13:7: Resources.Service.Properties.DesiredCount: refers to \
         `Tsk`, which is not a resource; did you mean `Task`?\n"
    );
    assert_eq!((code, stderr), (Some(1), expected));

    let text = SERVICE.replace("DesiredCount: !Ref Count", "DesiredCount: !ImportValue 'scaling:Count'");
    let file = workdir.file("service.yaml", &text).display().to_string();
    let template = [&["--template", &file], &parameters[..]].concat();
    let values = workdir
        .file("values.yaml", "scaling:Cuont: 5\nssm:/x: y\n")
        .display()
        .to_string();
    let (code, stdout, stderr) = check(&workdir, &[&template[..], &["--values", &values]].concat()).await;
    assert_eq!(code, Some(0), "{stderr}");
    assert!(
        stdout.contains("DesiredCount: 1 task is assumed, since `scaling:Count` is known only on AWS; "),
        "{stdout}"
    );
    assert_eq!(
        stderr,
        format!(
            "warning: {values}:1:1: --value scaling:Cuont: nothing reads this value; did you mean `scaling:Count`?\n\
             warning: {values}:2:1: --value ssm:/x: nothing reads this value\n"
        )
    );
    let (_, stdout, _) = check(&workdir, &[&template[..], &["--value", "scaling:Count=2"]].concat()).await;
    assert!(stdout.starts_with("service api × 2: "), "{stdout}");
}
