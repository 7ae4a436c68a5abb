//! Parameters and secrets of an account, which templates name.

use serde_json::json;

use crate::account::Account;
use crate::run::Run;

const TEMPLATE: &str = "
Parameters: {Count: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /web/count}}
Resources:
  Own: {Type: AWS::SSM::Parameter, Properties: {Name: /own, Type: String, Value: declared}}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      ContainerDefinitions:
        - Name: web
          Image: example/web
          PortMappings: [{ContainerPort: 80}]
          Environment:
            - {Name: TOKEN, Value: '{{resolve:secretsmanager:web-token:SecretString:value}}'}
            - {Name: OWN, Value: '{{resolve:ssm:/own}}'}
          Secrets: [{Name: KEY, ValueFrom: /web/key}]
  Web: {Type: AWS::ECS::Service, Properties: {ServiceName: web, DesiredCount: !Ref Count, TaskDefinition: !Ref Task}}
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_are_read_from_the_account_and_secrets_are_not_printed() {
    let account = Account::new();
    let parameter = |name: &str, value: &str, kind: &str| {
        account.call(
            "ssm",
            "put_parameter",
            &json!({"Name": name, "Value": value, "Type": kind}),
        );
    };
    parameter("/web/count", "3", "String");
    parameter("/web/key", "hush-hush", "SecureString");
    let secret = json!({"Name": "web-token", "SecretString": "{\"value\": \"swordfish\"}"});
    account.call("secretsmanager", "create_secret", &secret);
    let file = account.workdir.file("web.yaml", TEMPLATE).display().to_string();
    let check = ["check", "--strict", "--stub", "--aws", "--template", &file];
    let ended = Run::to_end(&account.workdir, account.meshwright_in(&account.workdir, &check)).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert_eq!(
        ended.stdout,
        "service web × 3: container web\nnot simulated: Own (AWS::SSM::Parameter)\n"
    );

    // One that the account does not have, and one that is given.
    let other = TEMPLATE.replace("/web/key", "/web/kye");
    let file = account.workdir.file("other.yaml", &other).display().to_string();
    let check = [
        "check",
        "--stub",
        "--aws",
        "--template",
        &file,
        "--value",
        "ssm:/web/count=2",
    ];
    let ended = Run::to_end(&account.workdir, account.meshwright_in(&account.workdir, &check)).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.starts_with("service web × 2: "), "{ended:?}");
    assert!(
        ended.stderr.starts_with("warning: ") && ended.stderr.contains("/web/kye"),
        "{ended:?}"
    );
    assert!(!format!("{ended:?}").contains("swordfish"), "{ended:?}");
}
