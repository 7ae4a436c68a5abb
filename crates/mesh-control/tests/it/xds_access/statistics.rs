//! Call statistics on a port that requires authentication.

use std::time::Duration;

use envoy_bootstrap::NODE_HEADER;
use mesh_control::XdsAuthenticator;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
};
use tonic::transport::{Certificate, Channel, ClientTlsConfig};
use tonic::{Code, Request, Status};

use super::fixture::{BLUE, Fixture, GREEN};

const OWN: &str = "cds_egress_m_green_http_8080";
const OTHER_MESH: &str = "cds_egress_n_green_http_8080";

/// Seven calls to each of these clusters.
fn message(clusters: &[&str]) -> ExportMetricsServiceRequest {
    let metric = |cluster: &&str| Metric {
        name: format!("cluster.{cluster}.upstream_rq_completed"),
        data: Some(Data::Sum(Sum {
            aggregation_temporality: AggregationTemporality::Delta as i32,
            data_points: vec![NumberDataPoint {
                value: Some(Value::AsInt(7)),
                ..Default::default()
            }],
            ..Default::default()
        })),
        ..Default::default()
    };
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            scope_metrics: vec![ScopeMetrics {
                metrics: clusters.iter().map(metric).collect(),
                ..Default::default()
            }],
            ..Default::default()
        }],
    }
}

async fn report(fixture: &Fixture, token: Option<&str>, node: Option<&str>) -> Result<(), Status> {
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(fixture.ca()))
        .domain_name("control.example.com");
    let channel = Channel::from_shared(format!("https://{}", fixture.control.addresses().xds))
        .expect("a URL")
        .tls_config(tls)
        .expect("a certificate")
        .connect()
        .await
        .expect("a connection");
    let mut request = Request::new(message(&[OWN, OTHER_MESH]));
    if let Some(token) = token {
        let value = format!("Bearer {token}").parse().expect("ASCII");
        request.metadata_mut().insert("authorization", value);
    }
    if let Some(node) = node {
        request.metadata_mut().insert(NODE_HEADER, node.parse().expect("ASCII"));
    }
    MetricsServiceClient::new(channel).export(request).await.map(drop)
}

#[tokio::test]
async fn an_envoy_reports_only_as_the_node_of_its_token() {
    let fixture = Fixture::start(XdsAuthenticator::with_tokens).await;
    let clusters = [OWN, OTHER_MESH].map(str::to_owned);
    fixture.calls.watch(&clusters);
    let token = fixture.token(&[BLUE], Duration::from_secs(3600));
    let ended = || clusters.clone().map(|cluster| fixture.calls.of(&[cluster]).ended);

    for (token, node, code) in [
        (None, Some(BLUE), Code::Unauthenticated),
        (Some("nonsense"), Some(BLUE), Code::Unauthenticated),
        (Some(token.as_str()), Some(GREEN), Code::PermissionDenied),
        (Some(token.as_str()), None, Code::PermissionDenied),
    ] {
        let error = report(&fixture, token, node).await.expect_err("rejected");
        assert_eq!(error.code(), code, "{error}");
    }
    assert_eq!(ended(), [0, 0]);
    report(&fixture, Some(&token), Some(BLUE)).await.expect("its own node");
    assert_eq!(ended(), [7, 0], "calls of another mesh are not its own");
}
