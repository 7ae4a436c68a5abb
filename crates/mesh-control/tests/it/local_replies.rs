//! Local replies: responses of the sidecar, with a reason.

use std::time::Duration;

use mesh_control::XdsProtocol;
use mesh_model::service_connect::AppProtocol;

use crate::harness::{Behaviour, Mesh, ReservedPort, Task, Upstream, endpoint, in_both_protocols};

in_both_protocols!(
    an_unknown_host_gets_the_known_names,
    a_service_without_tasks_has_no_healthy_endpoint,
    an_application_that_is_down_is_unreachable,
    a_stopped_task_is_unreachable,
    a_slow_application_times_out,
    errors_of_the_application_are_no_local_replies,
    local_reply_headers_of_applications_are_removed,
);

async fn an_unknown_host_gets_the_known_names(protocol: XdsProtocol) {
    let [mut blue, red] = ["blue", "red"].map(|name| endpoint(name, AppProtocol::Http));
    blue.port = 8080;
    let mesh = Mesh::start(protocol, &[blue, red, endpoint("db", AppProtocol::Tcp)]).await;
    let green = Task::start(&mesh, "green").await;
    // The port matters: blue is on 8080, red on the default port.
    for host in [
        "yellow.serviceconnect",
        "blue.serviceconnect",
        "red.serviceconnect:8080",
    ] {
        let response = green.get(host).await;
        assert_eq!(
            (response.status, response.fault.as_deref()),
            (404, Some("unknown-service"))
        );
        assert_eq!(
            response.body,
            "namespace serviceconnect has blue.serviceconnect:8080, red.serviceconnect"
        );
    }
}

async fn a_service_without_tasks_has_no_healthy_endpoint(protocol: XdsProtocol) {
    let mesh = Mesh::start(protocol, &[endpoint("blue", AppProtocol::Http)]).await;
    let green = Task::start(&mesh, "green").await;
    let response = green.get("blue.serviceconnect").await;
    assert_eq!(
        (response.status, response.fault.as_deref()),
        (503, Some("no-healthy-endpoint")),
        "{response:?}"
    );
}

async fn an_application_that_is_down_is_unreachable(protocol: XdsProtocol) {
    let blue_endpoint = endpoint("blue", AppProtocol::Http);
    let mesh = Mesh::start(protocol, std::slice::from_ref(&blue_endpoint)).await;
    let closed_port = ReservedPort::pick();
    let blue = Task::with_application(&mesh, &blue_endpoint, closed_port.address()).await;
    mesh.set_endpoints("blue", &[blue.ingress(&blue_endpoint)]);
    let green = Task::start(&mesh, "green").await;
    let response = green.get("blue.serviceconnect").await;
    assert_eq!(
        (response.status, response.fault.as_deref()),
        (503, Some("unreachable")),
        "{response:?}"
    );
}

async fn a_stopped_task_is_unreachable(protocol: XdsProtocol) {
    let mesh = Mesh::start(protocol, &[endpoint("blue", AppProtocol::Http)]).await;
    let closed_port = ReservedPort::pick();
    mesh.set_endpoints("blue", &[closed_port.address()]);
    let green = Task::start(&mesh, "green").await;
    let response = green.get("blue.serviceconnect").await;
    assert_eq!(
        (response.status, response.fault.as_deref()),
        (503, Some("unreachable")),
        "{response:?}"
    );
}

async fn a_slow_application_times_out(protocol: XdsProtocol) {
    let mut blue_endpoint = endpoint("blue", AppProtocol::Http);
    blue_endpoint.per_request_timeout = Some(Duration::from_secs(1));
    let mesh = Mesh::start(protocol, std::slice::from_ref(&blue_endpoint)).await;
    let application = Upstream::start("blue", Behaviour::Silence).await;
    let blue = Task::with_application(&mesh, &blue_endpoint, application.address).await;
    mesh.set_endpoints("blue", &[blue.ingress(&blue_endpoint)]);
    let green = Task::start(&mesh, "green").await;
    let response = green.get("blue.serviceconnect").await;
    assert_eq!(
        (response.status, response.fault.as_deref()),
        (504, Some("timed-out")),
        "{response:?}"
    );
    assert_eq!(application.requests(), 1, "a timed-out request is not retried");
}

async fn errors_of_the_application_are_no_local_replies(protocol: XdsProtocol) {
    let blue_endpoint = endpoint("blue", AppProtocol::Http);
    let mesh = Mesh::start(protocol, std::slice::from_ref(&blue_endpoint)).await;
    let green = Task::start(&mesh, "green").await;
    for status in [404, 500, 503, 504] {
        let application = Upstream::start("blue", Behaviour::Status(status)).await;
        mesh.set_endpoints("blue", &[application.address]);
        green.wait_for_endpoints(&blue_endpoint, &[application.address]).await;
        let response = green.get("blue.serviceconnect").await;
        assert_eq!((response.status, response.fault), (status, None));
        assert_eq!(response.body, "blue");
    }
}

async fn local_reply_headers_of_applications_are_removed(protocol: XdsProtocol) {
    let blue_endpoint = endpoint("blue", AppProtocol::Http);
    let mesh = Mesh::start(protocol, std::slice::from_ref(&blue_endpoint)).await;
    let application = Upstream::start("blue", Behaviour::ForgedLocalReply).await;
    let blue = Task::with_application(&mesh, &blue_endpoint, application.address).await;
    mesh.set_endpoints("blue", &[blue.ingress(&blue_endpoint)]);
    let green = Task::start(&mesh, "green").await;
    let response = green.get("blue.serviceconnect").await;
    assert_eq!((response.status, response.fault), (404, None));
}
