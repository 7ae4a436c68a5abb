//! Scripted responses for behaviour of AWS that MiniStack lacks.

mod blocked;
mod change_sets;
mod cloud_map;
mod ecs_services;
mod operations;
mod paused;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use cfn::Template;
use cfn_deploy::{DeploymentInput, Environment};
use serde_json::json;

use crate::connection::{Calls, Response, config};
use crate::fixture::{ssm_parameter, template};

const STACK_ID: &str = "arn:aws:cloudformation:us-east-1:000000000001:stack/shop/1";
const SET: &str = "<Id>arn:aws:cloudformation:us-east-1:000000000001:changeSet/c/1</Id><StackId>stack-id</StackId>";

/// An environment that returns the responses of each action in order, the last one repeatedly. `{token}` is replaced by
/// the token of the operation.
fn environment(responses: &[(&'static str, Vec<Response>)]) -> (Environment, Calls) {
    let responses: BTreeMap<_, _> = responses.iter().cloned().collect();
    let token = Mutex::new(String::new());
    let script = move |request: &crate::connection::RecordedRequest| {
        let mut token = token.lock().unwrap();
        if let Some(given) = request
            .body
            .split('&')
            .find_map(|pair| pair.strip_prefix("ClientRequestToken="))
        {
            given.clone_into(&mut token);
        }
        let of_action = responses
            .get(request.action.as_str())
            .unwrap_or_else(|| panic!("{request:?}"));
        let mut response = of_action[request.number.min(of_action.len() - 1)].clone();
        response.body = response.body.replace("{token}", &token);
        Some(response)
    };
    let (config, calls) = config("http://127.0.0.1:1", "000000000001", Arc::new(script));
    (Environment::new(&config).unwrap(), calls)
}

fn stack(status: &str) -> Response {
    let member = format!(
        "<member><StackName>shop</StackName><StackId>{STACK_ID}</StackId><StackStatus>{status}</StackStatus>\
         <CreationTime>2026-11-23T00:00:00Z</CreationTime></member>"
    );
    Response::xml("DescribeStacks", &format!("<Stacks>{member}</Stacks>"))
}

fn no_stack() -> Response {
    Response::error(400, "ValidationError", "Stack with id shop does not exist")
}

fn stored_template(template: &Template) -> Response {
    let body = template.to_json().replace('&', "&amp;").replace('<', "&lt;");
    Response::xml("GetTemplate", &format!("<TemplateBody>{body}</TemplateBody>"))
}

fn change_set(status: &str, reason: &str, changes: &str, next: &str) -> Response {
    let result =
        format!("<Status>{status}</Status><StatusReason>{reason}</StatusReason><Changes>{changes}</Changes>{next}");
    Response::xml("DescribeChangeSet", &result)
}

fn change(action: &str, id: &str) -> String {
    format!(
        "<member><Type>Resource</Type><ResourceChange><Action>{action}</Action>\
         <LogicalResourceId>{id}</LogicalResourceId><ResourceType>AWS::SSM::Parameter</ResourceType></ResourceChange></member>"
    )
}

/// Events from "status id" or "status id: reason", newest first. Those of another operation start with `*`.
fn events(lines: &[&str], next: Option<&str>) -> Response {
    let event = |line: &&str| {
        let (token, line) = match line.strip_prefix('*') {
            Some(line) => ("other", line),
            None => ("{token}", *line),
        };
        let (head, reason) = line.split_once(": ").unwrap_or((line, ""));
        let (status, id) = head.split_once(' ').unwrap();
        let (kind, physical) = match id {
            "shop" => ("AWS::CloudFormation::Stack", STACK_ID),
            "Web" => ("AWS::ECS::Service", "arn:aws:ecs:us-east-1:1:service/shop/web"),
            id => ("AWS::SSM::Parameter", id),
        };
        format!(
            "<member><EventId>{line}</EventId><StackId>{STACK_ID}</StackId><StackName>shop</StackName>\
             <LogicalResourceId>{id}</LogicalResourceId><PhysicalResourceId>{physical}</PhysicalResourceId>\
             <ResourceType>{kind}</ResourceType><ResourceStatus>{status}</ResourceStatus>\
             <ResourceStatusReason>{reason}</ResourceStatusReason><Timestamp>2026-11-23T00:00:00Z</Timestamp>\
             <ClientRequestToken>{token}</ClientRequestToken></member>"
        )
    };
    let members: String = lines.iter().map(event).collect();
    let next = next
        .map(|next| format!("<NextToken>{next}</NextToken>"))
        .unwrap_or_default();
    Response::xml(
        "DescribeStackEvents",
        &format!("<StackEvents>{members}</StackEvents>{next}"),
    )
}

fn done(action: &str) -> Vec<Response> {
    vec![Response::xml(action, "")]
}

fn input(value: &str) -> DeploymentInput {
    DeploymentInput::new("shop", template(&json!({"A": ssm_parameter("/a", value)})))
}

/// An environment with a stack that can be updated.
fn updating(statuses: &[&str], event_pages: Vec<Response>, changes: &[Response]) -> (Environment, Calls) {
    let mut stacks = vec![stack("CREATE_COMPLETE")];
    stacks.extend(statuses.iter().map(|status| stack(status)));
    environment(&[
        ("DescribeStacks", stacks),
        ("GetTemplate", vec![stored_template(input("1").template())]),
        ("CreateChangeSet", vec![Response::xml("CreateChangeSet", SET)]),
        ("DescribeChangeSet", changes.to_vec()),
        ("DeleteChangeSet", done("DeleteChangeSet")),
        ("ExecuteChangeSet", done("ExecuteChangeSet")),
        ("DescribeStackEvents", event_pages),
        ("DescribeEvents", done("DescribeEvents")),
    ])
}
