//! An AWS account per test on MiniStack, and calls that inspect it without this crate.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use cfn::Template;
use cfn_deploy::{ChangeSet, ChangeSetOutcome, DeploymentInput, Environment, Error, Outputs};
use serde_json::{Value as Json, json};

use crate::connection::{Calls, RecordedRequest, Response, config};
use crate::ministack::shared;
use crate::recording_observer::RecordingObserver;
use testkit::Server;

/// An account. MiniStack uses an access key of twelve digits as the account number.
pub(crate) struct AccountFixture {
    server: Arc<Server>,
    pub(crate) number: String,
}

impl AccountFixture {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let number = COUNT.fetch_add(1, Ordering::SeqCst);
        Self {
            server: shared(),
            number: format!("{number:012}"),
        }
    }

    pub(crate) fn environment(&self) -> Environment {
        self.scripted(|_| None).0
    }

    /// An environment with scripted responses for some of its calls.
    pub(crate) fn scripted(
        &self,
        script: impl Fn(&RecordedRequest) -> Option<Response> + Send + Sync + 'static,
    ) -> (Environment, Calls) {
        let (config, calls) = config(self.server.address(), &self.number, Arc::new(script));
        (Environment::new(&config).unwrap(), calls)
    }

    pub(crate) fn cloudformation(&self) -> aws_sdk_cloudformation::Client {
        aws_sdk_cloudformation::Client::new(&config(self.server.address(), &self.number, Arc::new(|_| None)).0)
    }

    pub(crate) fn s3(&self) -> aws_sdk_s3::Client {
        let config = config(self.server.address(), &self.number, Arc::new(|_| None)).0;
        let config = aws_sdk_s3::config::Builder::from(&config).force_path_style(true);
        aws_sdk_s3::Client::from_conf(config.build())
    }

    pub(crate) fn cloud_map(&self) -> aws_sdk_servicediscovery::Client {
        aws_sdk_servicediscovery::Client::new(&config(self.server.address(), &self.number, Arc::new(|_| None)).0)
    }

    /// The number of IAM, network and load balancer resources in the account, by type.
    pub(crate) async fn infrastructure_counts(&self) -> BTreeMap<&'static str, usize> {
        let all = [
            ("roles", "iam", "ListRoles", "<RoleName>"),
            ("VPCs", "ec2", "DescribeVpcs", "</vpcId>"),
            ("subnets", "ec2", "DescribeSubnets", "</subnetId>"),
            ("gateways", "ec2", "DescribeInternetGateways", "</internetGatewayId>"),
            ("security groups", "ec2", "DescribeSecurityGroups", "</groupName>"),
            (
                "load balancers",
                "elasticloadbalancing",
                "DescribeLoadBalancers",
                "</LoadBalancerArn>",
            ),
            (
                "target groups",
                "elasticloadbalancing",
                "DescribeTargetGroups",
                "</TargetGroupArn>",
            ),
        ];
        let mut counts = BTreeMap::new();
        for (name, service, action, each) in all {
            let version = if service == "elasticloadbalancing" {
                "2015-12-01"
            } else {
                "2016-11-15"
            };
            let response = self
                .send(service, None, format!("Action={action}&Version={version}"))
                .await;
            counts.insert(name, response.matches(each).count());
        }
        counts
    }

    /// Calls an operation of a service with a JSON API.
    pub(crate) async fn call_json(&self, service: &str, target: &str, body: &Json) -> Json {
        let response = self.send(service, Some(target), body.to_string()).await;
        serde_json::from_str(&response).unwrap()
    }

    async fn send(&self, service: &str, target: Option<&str>, body: String) -> String {
        let scope = format!("{}/20261123/us-east-1/{service}/aws4_request", self.number);
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut input = http.post(self.server.address()).body(body.clone()).header(
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"),
        );
        input = match target {
            Some(target) => input
                .header("content-type", "application/x-amz-json-1.1")
                .header("x-amz-target", target),
            None => input.header("content-type", "application/x-www-form-urlencoded"),
        };
        let response = input.send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "{target:?} {body}: {status} {text}");
        text
    }

    /// The number of other resources in the account, by type.
    pub(crate) async fn counts(&self) -> BTreeMap<&'static str, usize> {
        let nothing = json!({});
        let all = [
            (
                "clusters",
                "ecs",
                "AmazonEC2ContainerServiceV20141113.ListClusters",
                "clusterArns",
            ),
            ("log groups", "logs", "Logs_20140328.DescribeLogGroups", "logGroups"),
            (
                "namespaces",
                "servicediscovery",
                "Route53AutoNaming_v20170314.ListNamespaces",
                "Namespaces",
            ),
            ("parameters", "ssm", "AmazonSSM.DescribeParameters", "Parameters"),
            (
                "services",
                "servicediscovery",
                "Route53AutoNaming_v20170314.ListServices",
                "Services",
            ),
        ];
        let mut counts = BTreeMap::new();
        for (name, service, target, list) in all {
            let response = self.call_json(service, target, &nothing).await;
            counts.insert(
                name,
                response[list]
                    .as_array()
                    .unwrap_or_else(|| panic!("{target}: {response}"))
                    .len(),
            );
        }
        let stacks = self.cloudformation().describe_stacks().send().await.unwrap();
        counts.insert("stacks", stacks.stacks().len());
        counts
    }

    /// The names of a stack's change sets that were not executed.
    pub(crate) async fn change_sets(&self, stack: &str) -> Vec<String> {
        let listed = self
            .cloudformation()
            .list_change_sets()
            .stack_name(stack)
            .send()
            .await
            .unwrap();
        let waiting = listed.summaries().iter().filter(|set| {
            set.execution_status()
                .is_some_and(|status| status.as_str() == "AVAILABLE")
        });
        waiting
            .filter_map(|set| set.change_set_name())
            .map(str::to_owned)
            .collect()
    }

    /// Signals a wait condition.
    pub(crate) async fn signal(&self, stack: &str, logical_id: &str, success: bool) {
        let status = if success { "SUCCESS" } else { "FAILURE" };
        let call = self
            .cloudformation()
            .signal_resource()
            .stack_name(stack)
            .logical_resource_id(logical_id);
        call.unique_id("test").status(status.into()).send().await.unwrap();
    }
}

/// A template of these resources.
pub(crate) fn template(resources: &Json) -> Template {
    Template::from_json(&json!({"Resources": resources}).to_string()).unwrap()
}

/// A parameter of Parameter Store.
pub(crate) fn ssm_parameter(name: &str, value: &str) -> Json {
    json!({"Type": "AWS::SSM::Parameter", "Properties": {"Name": name, "Type": "String", "Value": value}})
}

/// A resource whose creation fails: a service in a namespace that does not exist.
pub(crate) fn failing_resource() -> Json {
    json!({"Type": "AWS::ServiceDiscovery::Service", "Properties": {"Name": "s", "NamespaceId": "ns-missing"}})
}

/// A resource that is created once it is signalled.
pub(crate) fn wait_condition() -> Json {
    json!({
        "Type": "AWS::CloudFormation::WaitCondition",
        "CreationPolicy": {"ResourceSignal": {"Count": 1, "Timeout": "PT10M"}},
    })
}

/// Creates a change set, which must have changes.
pub(crate) async fn ready_change_set(environment: &Environment, input: &DeploymentInput) -> ChangeSet {
    match environment.create_change_set(input).await.unwrap() {
        ChangeSetOutcome::Ready(change_set) => change_set,
        ChangeSetOutcome::NoChanges(_) => panic!("no changes for {}", input.stack()),
    }
}

/// Deploys an input, which must have changes.
pub(crate) async fn deploy(
    environment: &Environment,
    input: &DeploymentInput,
) -> Result<(Outputs, RecordingObserver), Error> {
    let observer = RecordingObserver::new();
    let outputs = ready_change_set(environment, input)
        .await
        .execute(&mut observer.clone())
        .await?;
    Ok((outputs, observer))
}
