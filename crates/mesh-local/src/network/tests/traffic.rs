//! Connections between tasks, name resolution, and interception.

use std::io::{Read, Write};
use std::net::UdpSocket;

use super::*;
use crate::plan::Interception;

#[tokio::test]
async fn tasks_and_the_runner_reach_each_other() {
    let mesh = TestMesh::start().await;
    let [one, two] = [
        mesh.task(&IptablesRules::default(), &[], vec![]).await,
        mesh.task(&IptablesRules::default(), &[], vec![]).await,
    ];
    assert_eq!(one.at(80).to_string(), "10.77.0.2:80");
    let listener = two.listen(8080);
    let _call = one.call(two.at(8080)).expect("there is a route");
    assert_eq!(accept_from(&listener), one.address.address());

    let runtime = NetnsRuntime::start(mesh.bridge.pid()).expect("a thread");
    let to = two.at(8080);
    let call = runtime
        .run(async move { tokio::net::TcpStream::connect(to).await })
        .await;
    let _call = call.expect("it does not panic").expect("there is a route");
    assert_eq!(accept_from(&listener), BRIDGE);

    let unused = one
        .call(([10, 78, 0, 1], 80).into())
        .expect_err("the address is not used");
    assert_eq!(unused.kind(), io::ErrorKind::NetworkUnreachable, "{unused}");
    let error = run_in_netns(one.netns.pid(), || {
        TcpStream::connect_timeout(&([192, 0, 2, 1], 80).into(), TIMEOUT)
    });
    assert!(error.is_err(), "there is a route to the internet");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn programs_in_a_task_resolve_names() {
    let mesh = TestMesh::start().await;
    let names = DnsNames::new(["mesh.local"]);
    let instance = |last: u8| DnsInstance {
        id: format!("task/{last}"),
        addresses: vec![Ipv4Addr::new(10, 77, 0, last).into()],
        port: None,
        cname: None,
    };
    names.set_instances([("two.mesh.local", vec![instance(3)])]);
    let sockets = run_in_netns(mesh.bridge.pid(), || {
        Ok((UdpSocket::bind((BRIDGE, 53))?, TcpListener::bind((BRIDGE, 53))?))
    });
    let (udp, tcp) = sockets.expect("the port is free");
    let _server = DnsServer::start(udp, tcp, names.clone()).expect("a server");

    let endpoint = (Ipv4Addr::new(127, 255, 0, 1), "blue".to_owned());
    let task = mesh.task(&IptablesRules::default(), &[endpoint], vec![]).await;
    let launcher = task.launcher();
    for (name, address) in [
        ("two.mesh.local", "10.77.0.3"),
        ("blue", "127.255.0.1"),
        ("localhost", "127.0.0.1"),
    ] {
        let (found, printed) = task.run(&launcher, &["getent", "ahosts", name]).await;
        assert!(found && printed.starts_with(address), "{name}: {printed}");
    }
    let (found, printed) = task.run(&launcher, &["getent", "hosts", "three.mesh.local"]).await;
    assert!(!found, "{printed}");
    names.set_instances([("three.mesh.local", vec![instance(4)])]);
    let (found, printed) = task.run(&launcher, &["getent", "hosts", "three.mesh.local"]).await;
    assert!(found && printed.starts_with("10.77.0.4 "), "{printed}");

    let machine = std::fs::read_to_string("/etc/hosts").expect("it is there");
    assert!(!machine.contains("127.255.0.1"), "{machine}");
}

#[tokio::test]
async fn app_mesh_traffic_of_a_task_is_intercepted() {
    let mesh = TestMesh::start().await;
    let rules = IptablesRules::app_mesh(&Interception {
        ignored_ports: vec![22],
        ..Interception::app_mesh_defaults([8080])
    });
    let task = mesh.task(&rules, &[], vec![]).await;
    let other = mesh.task(&IptablesRules::default(), &[], vec![]).await;
    let (ingress, egress, app) = (task.listen(15000), task.listen(15001), task.listen(8080));
    let [ssh, http] = [22, 80].map(|port| other.listen(port));
    let (own, others) = (
        IpAddr::from(task.address.address()),
        IpAddr::from(other.address.address()),
    );

    let _to_a_virtual_service = task.call(([10, 78, 0, 1], 80).into()).expect("Envoy accepts it");
    assert_eq!(accept_from(&egress), own);
    let _to_another_task = task.call(other.at(80)).expect("Envoy accepts it");
    assert_eq!(accept_from(&egress), own);
    let _to_an_ignored_port = task.call(other.at(22)).expect("there is a route");
    assert_eq!(accept_from(&ssh), own);
    let _to_itself = task.call(task.at(8080)).expect("it listens");
    assert_eq!(accept_from(&app), own);
    let _from_another_task = other.call(task.at(8080)).expect("Envoy accepts it");
    assert_eq!(accept_from(&ingress), others);

    let call = format!("exec 3<>/dev/tcp/{others}/80");
    let as_envoy = task.launcher().with_user(ENVOY);
    let (called, printed) = task.run(&as_envoy, &["bash", "-c", &call]).await;
    assert!(called, "{printed}");
    assert_eq!(accept_from(&http), own);
    assert_eq!(
        egress.accept().expect_err("there is no call").kind(),
        io::ErrorKind::WouldBlock
    );
}

#[tokio::test]
async fn service_connect_intercepts_endpoint_calls_only() {
    let mesh = TestMesh::start().await;
    let rules = ServiceConnectRedirects {
        egress_port: 33000,
        ingress: vec![(8080, 34000)],
    };
    let task = mesh.task(&rules.rules(), &[], vec![]).await;
    let other = mesh.task(&IptablesRules::default(), &[], vec![]).await;
    let (egress, ingress, http) = (task.listen(33000), task.listen(34000), other.listen(80));
    let endpoint = AddressPool::of_endpoints().allocate().expect("all are free");

    let mut call = task.call((endpoint.address(), 80).into()).expect("Envoy accepts it");
    let (mut accepted_call, _) = egress.accept().expect("it was called");
    accepted_call.write_all(b"answer").expect("it reads");
    drop(accepted_call);
    let mut answer = String::new();
    call.read_to_string(&mut answer).expect("it writes");
    assert_eq!(answer, "answer");
    let _direct = task.call(other.at(80)).expect("there is a route");
    assert_eq!(accept_from(&http), task.address.address());
    let _from_another_task = other.call(task.at(8080)).expect("Envoy accepts it");
    assert_eq!(accept_from(&ingress), other.address.address());
}
