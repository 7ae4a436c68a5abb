//! The page as HTML. Everything that comes from the mesh is escaped.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use maud::{DOCTYPE, Markup, html};
use mesh_local::description::TaskStatus;
use serde_json::Value as Json;

use super::feed::View;
use super::map::map;

/// The sections that change, by the id of their element.
pub(super) fn sections(view: &View, now: SystemTime) -> [(&'static str, String); 4] {
    [
        ("map", map(view).into_string()),
        ("calls", calls(view).into_string()),
        ("tasks", tasks(view, now).into_string()),
        ("proxies", proxies(&view.proxies).into_string()),
    ]
}

/// The whole page.
pub(super) fn document(name: &str, sections: &[(&'static str, String)]) -> Markup {
    let title = |id: &str| match id {
        "map" => "Map",
        "calls" => "Calls",
        "tasks" => "Tasks",
        _ => "Proxies",
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Mesh " (name) }
                link rel="stylesheet" href="/page.css";
                script src="/page.js" type="module" {}
            }
            body {
                header {
                    h1 { "Mesh " (name) }
                    nav aria-label="Sections" {
                        @for (id, _) in sections { a href={ "#" (id) } { (title(id)) } " " }
                    }
                    p id="connection" role="status" hidden { "Connection lost; trying again." }
                }
                main {
                    @for (id, content) in sections {
                        section aria-labelledby={ (id) "-title" } {
                            h2 id={ (id) "-title" } { (title(id)) }
                            div id=(id) class="scroll" tabindex="0" { (maud::PreEscaped(content)) }
                        }
                    }
                }
            }
        }
    }
}

fn calls(view: &View) -> Markup {
    if view.edges.is_empty() {
        return html! { p { "No calls between services yet." } };
    }
    let time = |time: Option<f64>| time.map_or_else(|| "–".to_owned(), |time| format!("≤ {time} ms"));
    html! {
        table {
            caption { "Calls of the last ten seconds, failures first; latencies are upper bounds of Envoy's histogram" }
            thead { tr { th { "From" } th { "To" } th { "Requests/s" } th { "Failed/s" } th { "p50" } th { "p99" } } }
            tbody {
                @for edge in &view.edges {
                    tr class=[(edge.failures_per_second > 0.0).then_some("failing")] {
                        td { (edge.from) }
                        td { (edge.to) }
                        td class="number" { (format!("{:.1}", edge.requests_per_second)) }
                        td class="number" { (format!("{:.1}", edge.failures_per_second)) }
                        td class="number" { (time(edge.p50)) }
                        td class="number" { (time(edge.p99)) }
                    }
                }
            }
        }
    }
}

fn tasks(view: &View, now: SystemTime) -> Markup {
    let description = &view.description;
    html! {
        @for listener in &description.load_balancers {
            p {
                @match &listener.publishes {
                    Some(service) => { "Service " (service) }
                    None => { "Load balancer " (listener.load_balancer) }
                }
                ", port " (listener.port) ": " (address(&listener.protocol, &listener.address.to_string()))
            }
        }
        table {
            caption { "Tasks by service" }
            thead { tr { th { "Task" } th { "Status" } th { "Health" } th { "Restarts" } th { "For" } th { "Address" } } }
            tbody {
                @for task in &description.tasks {
                    tr class=[(task.status != TaskStatus::Running).then_some("missing")] {
                        td { (task.task) }
                        td { (task.status.name()) }
                        td { (task.health.name()) }
                        td class="number" { (task.restarts) }
                        td class="number" { (age(task.since, now)) }
                        td {
                            @for port in &task.ingress { (address(&port.protocol, &port.address.to_string())) " " }
                            @if let Some(failure) = &task.last_failure { span class="failure" { "Last failure: " (failure) } }
                        }
                    }
                }
            }
        }
        @for service in &description.services {
            @if service.desired_count == 0 { p { "Service " (service.service) " has a desired count of 0." } }
        }
        p { "Logs are in " code { (description.logs.display()) } "." }
    }
}

fn proxies(proxies: &[Json]) -> Markup {
    const TYPES: [&str; 4] = ["listeners", "routes", "clusters", "endpoints"];
    let text = |value: &Json| value.as_str().unwrap_or("–").to_owned();
    html! {
        table {
            caption { "Envoys, and the resources that they have acknowledged" }
            thead {
                tr { th { "Task" } th { "State" } @for kind in TYPES { th { (kind) } } th { "Node" } }
            }
            tbody {
                @for proxy in proxies {
                    @let rejected: Vec<&Json> = TYPES
                        .iter()
                        .filter_map(|kind| proxy[*kind]["rejected"].as_array())
                        .flatten()
                        .collect();
                    tr class=[(!rejected.is_empty()).then_some("failing")] {
                        td { (text(&proxy["task"])) }
                        td {
                            @if !rejected.is_empty() { "NACK" } @else if proxy["settled"] == true { "ACK" } @else { "PENDING" }
                        }
                        @for kind in TYPES { td class="number" { (proxy[kind]["accepted"]) } }
                        td {
                            (text(&proxy["id"]))
                            @for resource in rejected {
                                span class="failure" { (text(&resource["name"])) ": " (text(&resource["message"])) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// An address, as a link where a browser can open it.
fn address(protocol: &str, address: &str) -> Markup {
    match protocol {
        "http" | "https" => {
            let url = format!("{protocol}://{address}/");
            html! { a href=(url) rel="noreferrer" { (url) } }
        }
        _ => html! { code { (address) } " (" (protocol) ")" },
    }
}

/// Time since a moment in milliseconds after the Unix epoch. Minutes and hours change seldom, so sections do as well.
fn age(since: u64, now: SystemTime) -> String {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = now.saturating_sub(Duration::from_millis(since)).as_secs();
    match seconds {
        0..60 => format!("{} s", seconds / 5 * 5),
        60..3600 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use mesh_local::description::MeshDescription;
    use serde_json::json;

    use super::*;
    use crate::running::rates::Rate;

    const SCRIPT: &str = "<script>alert(1)</script>\"'&";

    #[test]
    fn everything_from_the_mesh_is_escaped() {
        let description: MeshDescription = serde_json::from_value(json!({
            "version": 1,
            "services": [{"service": SCRIPT, "desiredCount": 0, "runningCount": 0, "pendingCount": 0}],
            "tasks": [{"task": SCRIPT, "service": SCRIPT, "status": "RUNNING", "health": "HEALTHY", "since": 0,
                       "restarts": 0, "lastFailure": SCRIPT, "processes": [], "applications": [],
                       "ingress": [{"name": SCRIPT, "protocol": SCRIPT, "address": "127.0.0.1:1"}]}],
            "loadBalancers": [{"loadBalancer": SCRIPT, "port": 80, "protocol": "http", "address": "127.0.0.1:2"}],
            "xds": "127.0.0.1:1", "statusUrl": SCRIPT, "logs": SCRIPT
        }))
        .expect("a description");
        let view = View {
            description,
            proxies: vec![json!({"task": SCRIPT, "id": SCRIPT, "settled": true,
                "routes": {"accepted": 1, "rejected": [{"name": SCRIPT, "message": SCRIPT}]}})],
            edges: vec![Rate {
                from: SCRIPT.to_owned(),
                to: SCRIPT.to_owned(),
                requests_per_second: 1.0,
                failures_per_second: 1.0,
                p50: Some(5.0),
                p99: None,
            }],
        };
        let sections = sections(&view, SystemTime::now());
        let page = document(SCRIPT, &sections).into_string();
        assert!(!page.contains("<script>alert"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{page}");
        assert_eq!(page.matches("<script").count(), 1, "its own");
    }
}
