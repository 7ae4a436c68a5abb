//! Secrets of containers.

use mesh_infra::{Secret, TaskDefinition};
use serde_json::json;

use crate::containers::{errors_of, template_of};
use crate::deployable::{app, container};
use crate::roles::statements;

const DB: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf";
const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

#[test]
fn the_execution_role_may_read_exactly_the_secrets() {
    let db = Secret::secrets_manager(DB).with_kms_key_arn(KEY);
    let app = app(8080)
        .with_secret("DB_USER", db.clone().with_json_key("user"))
        .with_secret("DB_PASSWORD", db.with_json_key("password"))
        .with_secret("TOKEN", Secret::ssm_parameter("/team/token"));
    let template = template_of(TaskDefinition::new(app));
    let token = json!({"Fn::Sub": "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/team/token"});
    assert_eq!(
        container(&template, "AppTaskDefinition", "app")["Secrets"],
        json!([
            {"Name": "DB_USER", "ValueFrom": format!("{DB}:user::")},
            {"Name": "DB_PASSWORD", "ValueFrom": format!("{DB}:password::")},
            {"Name": "TOKEN", "ValueFrom": token}
        ])
    );
    let allow =
        |action: &str, resource: serde_json::Value| json!({"Effect": "Allow", "Action": action, "Resource": resource});
    let all = statements(&template, "AppExecutionRole");
    // After the log group and the image.
    assert_eq!(
        all[3..],
        [
            allow("secretsmanager:GetSecretValue", json!(DB)),
            allow("ssm:GetParameters", token),
            allow("kms:Decrypt", json!(KEY)),
        ]
    );
}

#[test]
fn a_given_execution_role_reads_the_secrets_itself() {
    let app = app(8080).with_secret("DB", Secret::secrets_manager(DB));
    let task = TaskDefinition::new(app).with_execution_role_arn("arn:aws:iam::123456789012:role/own");
    assert_eq!(template_of(task).resource_count("AWS::IAM::Role"), 0);
}

#[test]
fn secrets_that_ecs_rejects_are_reported() {
    let app = app(8080)
        .with_environment("DB", "a")
        .with_secret("DB", Secret::secrets_manager(DB))
        .with_secret("TOKEN", Secret::secrets_manager("token"));
    let path = "Resources.AppTaskDefinition.Properties.ContainerDefinitions[0].Secrets";
    assert_eq!(
        errors_of(TaskDefinition::new(app)),
        format!(
            "{path}[1].ValueFrom: is `token`; expected the full ARN of a secret, which ends in a hyphen and six characters: \
             arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-AbCdEf; Secret::with_json_key selects a part\n\
             {path}[0].Name: is `DB`, which exists already; each environment variable is set once"
        )
    );
}
