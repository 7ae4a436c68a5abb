//! `check` over folders: sets, the table, JSON, `--strict`.

use serde_json::{Value, json};

use crate::run::{Ended, Run};
use crate::workdir::Workdir;

const BASE: &str = "
Resources:
  Cluster: {Type: AWS::ECS::Cluster, Properties: {ClusterName: main}}
Outputs:
  Cluster: {Value: !Ref Cluster, Export: {Name: 'base:Cluster'}}
";

const SERVICE: &str = "
Resources:
  Logs: {Type: AWS::Logs::LogGroup}
  Task: {Type: AWS::ECS::TaskDefinition, Properties: {ContainerDefinitions: [{Name: app, Image: 'x:1', PortMappings: [{ContainerPort: 80}]}]}}
  Service: {Type: AWS::ECS::Service, Properties: {ServiceName: NAME, Cluster: !ImportValue 'base:Cluster', TaskDefinition: !Ref Task}}
";

fn write(workdir: &Workdir, name: &str, text: &str) {
    let path = workdir.path(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("a file");
}

async fn check(workdir: &Workdir, folder: &str, more: &[&str]) -> Ended {
    let arguments = [&["check", "--stub", "--template", folder], more].concat();
    let mut command = workdir.meshwright(&arguments);
    command.current_dir(workdir.path("."));
    Run::to_end(workdir, command).await
}

#[tokio::test]
async fn templates_that_refer_to_each_other_are_judged_together() {
    let workdir = Workdir::new();
    write(&workdir, "t/base.yaml", BASE);
    write(&workdir, "t/a/web.yaml", &SERVICE.replace("NAME", "web"));
    // Two versions of one stack, and one without its base.
    write(&workdir, "t/a/api-1.yaml", &SERVICE.replace("NAME", "api"));
    write(
        &workdir,
        "t/a/api-2.yaml",
        &SERVICE.replace("NAME", "api").replace("x:1", "x:2"),
    );
    write(
        &workdir,
        "t/other.yaml",
        &SERVICE.replace("NAME", "other").replace("base:", "elsewhere:"),
    );
    write(&workdir, "t/README.md", "Resources: none");
    let ended = check(&workdir, "t", &[]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    let expected = "
SET  TEMPLATE                     RUNS                    ASSUMED IGNORED ERRORS
  1  t/a/api-1.yaml               api × 1                       0       1      0
  2  t/a/api-2.yaml               api × 1                       0       1      0
  1  t/a/web.yaml                 web × 1                       0       1      0
  1  t/base.yaml                  no service                    0       0      0
  3  t/other.yaml                 other × 1                     2       1      0

5 templates in 3 sets: 5 can run, 0 cannot; 1 other file
";
    assert!(ended.stdout.starts_with(expected.trim_start()), "{}", ended.stdout);
    let assumed = "\nt/other.yaml\n  assumed: Resources.Service.Properties.Cluster: `elsewhere:Cluster` stands in, since \
                   `elsewhere:Cluster` is known only on AWS; give it with --value 'elsewhere:Cluster=VALUE' or the template \
                   of the stack that exports it\n";
    assert!(ended.stdout.contains(assumed), "{}", ended.stdout);

    let strict = check(&workdir, "t", &["--strict"]).await;
    assert_eq!(strict.code, Some(1));
    let message = "error: --strict: 2 assumed and 0 not simulated; give values with --value or --parameter, and templates of \
                   other stacks with --template\n";
    assert_eq!(strict.stderr, message);
    std::fs::remove_file(workdir.path("t/other.yaml")).expect("the file");
    let strict = check(&workdir, "t", &["--strict"]).await;
    assert_eq!((strict.code, strict.stderr.as_str()), (Some(0), ""), "{strict:?}");
}

#[tokio::test]
async fn problems_stop_what_depends_on_them_and_nothing_else() {
    let workdir = Workdir::new();
    write(
        &workdir,
        "t/base.yaml",
        &BASE.replace("ClusterName: main", "ClusterNam: main"),
    );
    write(&workdir, "t/web.yaml", &SERVICE.replace("NAME", "web"));
    write(
        &workdir,
        "t/alone.yaml",
        &SERVICE
            .replace("NAME", "alone")
            .replace("!ImportValue 'base:Cluster'", "main"),
    );
    write(&workdir, "t/broken.yaml", "Parameters: {}\nResources: [");
    write(
        &workdir,
        "t/twice.yaml",
        "Description: a\nDescription: b\nResources: {Mesh: {Type: AWS::AppMesh::Mesh, Properties: {MeshName: m}}}",
    );
    let ended = check(&workdir, "t", &["--json"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let expected = "warning: t/twice.yaml: line 2: the key `Description` is already in line 1; the last value is used\n\
                    error: 3 of 5 templates cannot be run locally\n  \
                    t/base.yaml:3:51: base/Resources.Cluster.Properties.ClusterNam: is not a property of AWS::ECS::Cluster; \
                    did you mean ClusterName?\n  \
                    t/broken.yaml: the template cannot be read as YAML: line 2, column 12: unclosed bracket '['\n";
    assert_eq!(ended.stderr, expected);
    let document: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let template = |file: &str| {
        let templates = document["templates"].as_array().expect("a list").iter();
        let mut found = templates.filter(|template| template["file"] == file);
        found
            .next()
            .unwrap_or_else(|| panic!("no {file} in {document:#}"))
            .clone()
    };
    assert_eq!(template("t/web.yaml")["blockedBy"], "t/base.yaml");
    assert_eq!(
        template("t/alone.yaml")["runs"],
        json!([{"service": "alone", "tasks": 1}])
    );
    assert_eq!(template("t/twice.yaml")["meshes"], json!(["m"]));
    let problem = &template("t/base.yaml")["problems"][0];
    assert_eq!(
        (&problem["file"], &problem["line"], &problem["column"]),
        (&json!("t/base.yaml"), &json!(3), &json!(51))
    );

    let parameter = check(&workdir, "t", &["--parameter", "Stage=test"]).await;
    let expected = "error: --parameter Stage: no template has such a parameter\n";
    assert_eq!((parameter.code, parameter.stderr.as_str()), (Some(2), expected));
    let region = check(&workdir, "t", &["--region", "eu-wets-1"]).await;
    assert_eq!(region.code, Some(2));
    assert!(
        region
            .stderr
            .contains("`eu-wets-1` is not a region of AWS; did you mean eu-west-1?"),
        "{region:?}"
    );
}

#[tokio::test]
async fn nested_templates_have_rows_of_their_own() {
    let workdir = Workdir::new();
    let parent = "Resources: {One: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: parts/web.yaml}}}";
    write(&workdir, "t/parent.yaml", parent);
    let web = SERVICE
        .replace("NAME", "web")
        .replace("!ImportValue 'base:Cluster'", "default");
    write(&workdir, "t/parts/web.yaml", &web);
    // Nested in each other.
    let circle = |other: &str| {
        format!("Resources: {{Next: {{Type: AWS::CloudFormation::Stack, Properties: {{TemplateURL: {other}.yaml}}}}}}")
    };
    write(&workdir, "t/x.yaml", &circle("y"));
    write(&workdir, "t/y.yaml", &circle("x"));
    let ended = check(&workdir, "t", &[]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let expected = "
SET  TEMPLATE                     RUNS                    ASSUMED IGNORED ERRORS
  1  t/parent.yaml                no service                    0       0      0
  1  t/parts/web.yaml             web × 1                       1       1      0
";
    assert!(ended.stdout.starts_with(expected.trim_start()), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("\nt/parts/web.yaml\n  nested in t/parent.yaml\n"),
        "{}",
        ended.stdout
    );
    assert!(ended.stderr.contains("is nested in itself: "), "{}", ended.stderr);
}

#[tokio::test]
async fn parameters_beside_a_template_are_its_own() {
    let workdir = Workdir::new();
    let text = SERVICE
        .replace("NAME", "!Ref Name")
        .replace("!ImportValue 'base:Cluster'", "default");
    for name in ["front", "orders"] {
        write(
            &workdir,
            &format!("t/{name}.stack.yml"),
            &format!("Parameters: {{Name: {{Type: String}}}}{text}"),
        );
        let parameters = format!("{{\"Parameters\": {{\"Name\": \"{name}\"}}}}");
        write(&workdir, &format!("t/{name}.params.json"), &parameters);
    }
    let ended = check(&workdir, "t", &[]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    let row = "  1  t/front.stack.yml            front × 1                     1       1      0\n";
    assert!(ended.stdout.contains(row), "{}", ended.stdout);
    assert!(
        ended
            .stdout
            .contains("\nt/orders.stack.yml\n  parameters of t/orders.params.json\n"),
        "{}",
        ended.stdout
    );
    // Those of an option count more.
    let ended = check(&workdir, "t", &["--parameter", "front.Name=web"]).await;
    assert!(ended.stdout.contains("web × 1"), "{}", ended.stdout);
}
