//! An environment of one test's own on MiniStack, looked at from beside the crate.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use cfn::Template;
use cfn_deploy::{ChangeSet, ChangeSetOutcome, DeploymentInput, Environment, Error, Outputs};
use serde_json::{Value as Json, json};

use crate::connection::{Ask, Calls, Response, config};
use crate::ministack::shared;
use crate::recording_observer::Notes;
use testkit::Server;

/// An environment: MiniStack takes a key of twelve digits for the environment's number.
pub(crate) struct Place {
    server: Arc<Server>,
    pub(crate) number: String,
}

impl Place {
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

    /// An environment some of whose answers a test gives itself.
    pub(crate) fn scripted(
        &self,
        script: impl Fn(&Ask) -> Option<Response> + Send + Sync + 'static,
    ) -> (Environment, Calls) {
        let (config, calls) = config(self.server.address(), &self.number, Arc::new(script));
        (Environment::new(&config).unwrap(), calls)
    }

    pub(crate) fn cloudformation(&self) -> aws_sdk_cloudformation::Client {
        aws_sdk_cloudformation::Client::new(&config(self.server.address(), &self.number, Arc::new(|_| None)).0)
    }

    pub(crate) fn cloud_map(&self) -> aws_sdk_servicediscovery::Client {
        aws_sdk_servicediscovery::Client::new(&config(self.server.address(), &self.number, Arc::new(|_| None)).0)
    }

    /// How many things of each kind there are in the environment of those that are not counted by [`Place::counts`].
    pub(crate) async fn more_counts(&self) -> BTreeMap<&'static str, usize> {
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
            let answer = self
                .send(service, None, format!("Action={action}&Version={version}"))
                .await;
            counts.insert(name, answer.matches(each).count());
        }
        counts
    }

    /// Any call of a service that speaks JSON.
    pub(crate) async fn ask(&self, service: &str, target: &str, body: &Json) -> Json {
        let answer = self.send(service, Some(target), body.to_string()).await;
        serde_json::from_str(&answer).unwrap()
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
        let answer = input.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{target:?} {body}: {status} {text}");
        text
    }

    /// How many things of each kind there are in the environment.
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
            let answer = self.ask(service, target, &nothing).await;
            counts.insert(
                name,
                answer[list]
                    .as_array()
                    .unwrap_or_else(|| panic!("{target}: {answer}"))
                    .len(),
            );
        }
        let stacks = self.cloudformation().describe_stacks().send().await.unwrap();
        counts.insert("stacks", stacks.stacks().len());
        counts
    }

    /// The names of change sets that a stack has and that were not carried out.
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

    /// Signals a resource that waits for it.
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

/// A template of these resources, with outputs that tell the values of parameters among them.
pub(crate) fn template(resources: &Json) -> Template {
    Template::from_json(&json!({"Resources": resources}).to_string()).unwrap()
}

/// A parameter in Parameter Store.
pub(crate) fn stored(name: &str, value: &str) -> Json {
    json!({"Type": "AWS::SSM::Parameter", "Properties": {"Name": name, "Type": "String", "Value": value}})
}

/// A resource that cannot be created: a service in a namespace that is not there.
pub(crate) fn impossible() -> Json {
    json!({"Type": "AWS::ServiceDiscovery::Service", "Properties": {"Name": "s", "NamespaceId": "ns-missing"}})
}

/// A resource that is created once it is signalled.
pub(crate) fn gate() -> Json {
    json!({
        "Type": "AWS::CloudFormation::WaitCondition",
        "CreationPolicy": {"ResourceSignal": {"Count": 1, "Timeout": "PT10M"}},
    })
}

/// The changes of an input that has some.
pub(crate) async fn prepared(environment: &Environment, input: &DeploymentInput) -> ChangeSet {
    match environment.create_change_set(input).await.unwrap() {
        ChangeSetOutcome::Ready(prepared) => prepared,
        ChangeSetOutcome::NoChanges(_) => panic!("nothing to do for {}", input.stack()),
    }
}

/// Deploys what changes something.
pub(crate) async fn deploy(environment: &Environment, input: &DeploymentInput) -> Result<(Outputs, Notes), Error> {
    let notes = Notes::new();
    let outputs = prepared(environment, input).await.execute(&mut notes.clone()).await?;
    Ok((outputs, notes))
}
