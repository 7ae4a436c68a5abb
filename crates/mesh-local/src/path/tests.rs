//! Journeys, from what Envoys would have written.

use super::*;

const TRACE: &str = "6d657368916cd43dd8448eb211c80319";

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn places(folder: &std::path::Path, task: &str, ports: (u16, u16, u16), lines: &[(&str, u16)]) -> (String, TaskPlaces) {
    let hops = folder.join(task.replace('/', "-"));
    let lines = lines.iter().map(|(route, upstream)| {
        format!(
            r#"{{"route":"{route}","traceparent":"00-{TRACE}-b7ad6b7169203331-01","upstream":"127.0.0.1:{upstream}","status":200,"flags":"-","milliseconds":3}}"#
        ) + "\n"
    });
    std::fs::write(&hops, lines.collect::<String>()).expect("a folder");
    let (ingress, egress, app) = ports;
    let places = TaskPlaces {
        hops,
        ingresses: (ingress > 0).then(|| address(ingress)).into_iter().collect(),
        egress: (egress > 0).then(|| address(egress)),
        apps: (app > 0).then(|| address(app)).into_iter().collect(),
        exposed: (ingress == 0).then(|| address(app)).into_iter().collect(),
    };
    (task.to_owned(), places)
}

#[tokio::test]
async fn a_gateway_is_one_station_and_applications_follow_their_envoys() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |task, ports, lines: &[(&str, u16)]| places(folder.path(), task, ports, lines);
    let atlas = Atlas {
        tasks: BTreeMap::from([
            // Its inner line comes first: the outer request is over when the inner one is.
            place(
                "gateway/1",
                (1, 2, 0),
                &[("rds_egress_http_15001", 11), ("rds_ingress_http_9080", 2)],
            ),
            place(
                "blue/1",
                (11, 12, 13),
                &[
                    ("rds_egress_http_15001", 21),
                    ("rds_egress_http_15001", 33),
                    ("rds_ingress_http_8080", 13),
                ],
            ),
            place("green/1", (21, 22, 23), &[("rds_ingress_http_8080", 23)]),
            place("database/1", (0, 0, 33), &[]),
        ]),
    };
    let path = atlas.path(TRACE, address(1)).await;
    assert_eq!(
        path.to_string(),
        "you → envoy of gateway/1 → envoy of blue/1 → blue/1 → envoy of blue/1 → envoy of green/1 → green/1 → envoy of \
         blue/1 → database/1"
    );
}
