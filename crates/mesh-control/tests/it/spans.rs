//! Spans of sampled requests, and of no others.

use mesh_control::XdsProtocol;
use mesh_model::service_connect::AppProtocol;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use testkit::OtlpCollector;

use crate::harness::{Behaviour, Mesh, Task, Upstream, endpoint, in_both_protocols};

in_both_protocols!(both_sidecars_export_spans_of_sampled_requests_only);

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

async fn both_sidecars_export_spans_of_sampled_requests_only(protocol: XdsProtocol) {
    let collector = OtlpCollector::start_grpc().await;
    let blue_endpoint = endpoint("blue", AppProtocol::Http);
    let mut mesh = Mesh::start(protocol, std::slice::from_ref(&blue_endpoint)).await;
    mesh.collector = Some(collector.address);
    let application = Upstream::start("blue", Behaviour::Name).await;
    let blue = Task::with_application(&mesh, &blue_endpoint, application.address).await;
    let green = Task::start(&mesh, "green").await;
    mesh.set_endpoints("blue", &[blue.ingress(&blue_endpoint)]);
    green
        .wait_for_endpoints(&blue_endpoint, &[blue.ingress(&blue_endpoint)])
        .await;

    // Spans are exported in the order of their end: those of the last request come after all others.
    let unsampled = "00-11111111111111111111111111111111-b7ad6b7169203331-00".to_owned();
    let sampled = format!("00-{TRACE}-{CALLER}-01");
    for traceparent in [None, Some(unsampled), Some(sampled)] {
        let mut request = green.request("blue.serviceconnect");
        if let Some(traceparent) = traceparent {
            request = request.header("traceparent", traceparent);
        }
        assert!(request.send().await.expect("a response").status().is_success());
    }
    let spans = collector.spans(|spans| spans.len() >= 2).await;
    let of = |service: &str| {
        let found = spans.iter().find(|span| span.service == service);
        found.unwrap_or_else(|| panic!("no span of {service}: {spans:#?}"))
    };
    let (out, into) = (of("green/1"), of("blue/1"));
    assert_eq!((out.kind, into.kind), (SpanKind::Client, SpanKind::Server));
    assert_eq!(out.parent, CALLER);
    assert_eq!(into.parent, out.id);
    for span in &spans {
        assert_eq!(span.trace, TRACE, "{spans:#?}");
        // The attributes by which a span is recognized as Envoy's.
        assert_eq!(span.attributes["component"], "proxy");
        assert_eq!(span.attributes["http.method"], "GET");
        assert_eq!(span.attributes["http.status_code"], "200");
        assert_eq!(span.attributes["http.url"], "http://blue.serviceconnect/");
    }
    assert_eq!(spans.len(), 2, "{spans:#?}");
}
