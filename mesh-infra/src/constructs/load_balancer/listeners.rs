//! Listeners of a load balancer: one that forwards, and one that redirects HTTP to HTTPS.

use cfn::{Parameter, Resource, Value, elbv2};
use serde_json::Value as Json;

use super::{Certificate, HTTP, Kind, LoadBalancer};
use crate::stack::{LogicalId, Scope};

/// TLS 1.2 and 1.3 with forward secrecy, decided by us; supported by both types of load balancers (Elastic Load Balancing
/// user guides, "Security policies", read 2026-11-30).
const SECURITY_POLICY: &str = "ELBSecurityPolicy-TLS13-1-2-2021-06";

impl LoadBalancer {
    /// Adds the listeners. Returns the one that forwards.
    pub(super) fn add_listeners(
        &self,
        load_balancer: &LogicalId,
        target_group: &LogicalId,
        scope: &mut Scope<'_>,
    ) -> LogicalId {
        let arn = || Value::<String>::reference(load_balancer.as_str());
        let certificate = self.certificate(scope);
        let protocol = match (self.kind, &certificate) {
            (Kind::Network, None) => "TCP",
            (Kind::Network, Some(_)) => "TLS",
            (Kind::Application, None) => "HTTP",
            (Kind::Application, Some(_)) => "HTTPS",
        };
        let forward = elbv2::Action::forward(Value::reference(target_group.as_str()));
        let properties = elbv2::Listener {
            protocol: Some(Value::from(protocol)),
            port: Some(Value::Known(self.port().into())),
            ssl_policy: certificate.is_some().then(|| Value::from(SECURITY_POLICY)),
            certificates: certificate
                .into_iter()
                .map(|arn| elbv2::Certificate {
                    certificate_arn: Some(arn),
                })
                .collect(),
            ..elbv2::Listener::new(arn(), vec![forward])
        };
        let listener = scope.part("Listener");
        scope.add_resource(&listener, Resource::of(&properties));
        if self.has_redirect() {
            let redirect = elbv2::Action {
                redirect_config: Some(elbv2::RedirectConfig {
                    protocol: Some(Value::from("HTTPS")),
                    port: Some(Value::Known(self.port().to_string())),
                    ..elbv2::RedirectConfig::new("HTTP_301")
                }),
                ..elbv2::Action::new("redirect")
            };
            let properties = elbv2::Listener {
                protocol: Some(Value::from("HTTP")),
                port: Some(Value::Known(HTTP.into())),
                ..elbv2::Listener::new(arn(), vec![redirect])
            };
            scope.add_resource(&scope.part("RedirectListener"), Resource::of(&properties));
        }
        listener
    }

    /// The certificate's ARN, if any.
    fn certificate(&self, scope: &mut Scope<'_>) -> Option<Value<String>> {
        match self.certificate.as_ref()? {
            Certificate::Arn(arn) => Some(arn.clone()),
            Certificate::Parameter => {
                let id = scope.part("CertificateArn");
                let constraints = [
                    ("AllowedPattern", "^arn:aws[a-z-]*:(acm|iam):.+$"),
                    (
                        "ConstraintDescription",
                        "must be the ARN of a certificate in Certificate Manager or IAM",
                    ),
                ];
                let parameter = Parameter {
                    other: constraints
                        .map(|(name, text)| (name.to_owned(), Json::from(text)))
                        .into_iter()
                        .collect(),
                    ..Parameter::new("String").with_description("The certificate of the load balancer, by ARN")
                };
                scope.add_parameter(&id, parameter);
                Some(Value::reference(id.as_str()))
            }
        }
    }
}
