//! Request paths from given access-log entries.

use super::*;

const TRACE: &str = "6d657368916cd43dd8448eb211c80319";

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn addresses(dir: &Path, task: &str, ports: (u16, u16, u16), lines: &[(&str, u16)]) -> (String, TaskAddresses) {
    let access_log = dir.join(task.replace('/', "-"));
    let lines = lines.iter().map(|(route, upstream)| {
        format!(
            r#"{{"route":"{route}","traceparent":"00-{TRACE}-b7ad6b7169203331-01","upstream":"127.0.0.1:{upstream}","status":200,"flags":"-","milliseconds":3}}"#
        ) + "\n"
    });
    std::fs::write(&access_log, lines.collect::<String>()).expect("a directory");
    let (ingress, egress, app) = ports;
    let addresses = TaskAddresses {
        access_log,
        ingresses: (ingress > 0).then(|| address(ingress)).into_iter().collect(),
        egress: (egress > 0).then(|| address(egress)),
        apps: (app > 0).then(|| address(app)).into_iter().collect(),
        exposed: (ingress == 0).then(|| address(app)).into_iter().collect(),
    };
    (task.to_owned(), addresses)
}

#[tokio::test]
async fn a_gateway_is_one_hop_and_applications_follow_their_envoys() {
    let dir = tempfile::tempdir().expect("a directory");
    let task = |task, ports, lines: &[(&str, u16)]| addresses(dir.path(), task, ports, lines);
    let index = AddressIndex {
        tasks: BTreeMap::from([
            // The inner entry comes first: the outer request ends after the inner one.
            task(
                "gateway/1",
                (1, 2, 0),
                &[("rds_egress_http_15001", 11), ("rds_ingress_http_9080", 2)],
            ),
            task(
                "blue/1",
                (11, 12, 13),
                &[
                    ("rds_egress_http_15001", 21),
                    ("rds_egress_http_15001", 33),
                    ("rds_ingress_http_8080", 13),
                ],
            ),
            task("green/1", (21, 22, 23), &[("rds_ingress_http_8080", 23)]),
            task("database/1", (0, 0, 33), &[]),
        ]),
    };
    let path = index.path(TRACE, address(1)).await;
    assert_eq!(
        path.to_string(),
        "you → envoy of gateway/1 → envoy of blue/1 → blue/1 → envoy of blue/1 → envoy of green/1 → green/1 → envoy of \
         blue/1 → database/1"
    );
}
