//! Targets: health checks, failures, stickiness, draining, and TCP.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use mesh_control::{MeshState, XdsProtocol};
use mesh_model::load_balancer::{
    ListenerProtocol, LoadBalancerKind, Probe, TargetGroup, TargetHealthCheck, TargetProtocol, TargetStickiness,
};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::fixture::{Balancer, http_listener};
use crate::harness::{Behaviour, Health, ReservedPort, TcpUpstream, Upstream, eventually};

/// A load balancer with the target group `app`.
async fn before(target_group: TargetGroup) -> Balancer {
    let state = MeshState {
        target_groups: [("app".to_owned(), target_group)].into(),
        ..MeshState::default()
    };
    let listeners = BTreeMap::from([(80, http_listener("app"))]);
    Balancer::start_as(XdsProtocol::Delta, LoadBalancerKind::Application, listeners, state).await
}

fn checked(codes: &[(u16, u16)]) -> TargetGroup {
    let mut target_group = TargetGroup::new("app", TargetProtocol::Http1);
    target_group.health_check = Some(TargetHealthCheck {
        probe: Probe::Http {
            path: "/health".to_owned(),
            codes: codes.to_vec(),
        },
        interval: Duration::from_millis(100),
        timeout: Duration::from_secs(2),
        healthy_threshold: 2,
        unhealthy_threshold: 2,
    });
    target_group
}

/// Waits until requests are answered by these applications and no others.
async fn wait_for_answers(balancer: &Balancer, expected: &[&str]) {
    eventually(&format!("answers of {expected:?}"), async || {
        let mut answers = Vec::new();
        for _ in 0..6 {
            answers.push(balancer.send("GET", "/", &[]).await.1);
        }
        answers.sort();
        answers.dedup();
        if answers == expected {
            Ok(())
        } else {
            Err(format!("{answers:?}"))
        }
    })
    .await;
}

#[tokio::test]
async fn unhealthy_targets_get_no_requests_unless_all_are() {
    let balancer = before(checked(&[(200, 200)])).await;
    let (a, b) = (
        Upstream::start("a", Behaviour::Name).await,
        Upstream::start("b", Behaviour::Name).await,
    );
    balancer.set_targets("app", &[a.address, b.address]);
    wait_for_answers(&balancer, &["a", "b"]).await;
    a.set_health(Health::Unhealthy);
    wait_for_answers(&balancer, &["b"]).await;
    b.set_health(Health::Unhealthy);
    wait_for_answers(&balancer, &["a", "b"]).await;
    a.set_health(Health::Healthy);
    wait_for_answers(&balancer, &["a"]).await;
}

#[tokio::test]
async fn the_matcher_says_which_codes_are_healthy() {
    let balancer = before(checked(&[(200, 202), (503, 503)])).await;
    let (a, b) = (
        Upstream::start("a", Behaviour::Name).await,
        Upstream::start("b", Behaviour::Name).await,
    );
    a.set_health(Health::Unhealthy);
    balancer.set_targets("app", &[a.address, b.address]);
    wait_for_answers(&balancer, &["a", "b"]).await;
}

#[tokio::test]
async fn failures_have_the_statuses_of_a_load_balancer() {
    let balancer = before(TargetGroup::new("app", TargetProtocol::Http1)).await;
    balancer.change(|load_balancer| load_balancer.idle_timeout = Duration::from_secs(1));
    balancer.settled().await;
    let without = balancer.response("GET", "/", &[]).await;
    assert_eq!((without.status, without.header("server")), (503, Some("awselb/2.0")));

    let closed = ReservedPort::pick();
    balancer.set_targets("app", &[closed.address()]);
    balancer.settled().await;
    assert_eq!(balancer.send("GET", "/", &[]).await.0, 502);

    let silent = Upstream::start("silent", Behaviour::Silence).await;
    balancer.set_targets("app", &[silent.address]);
    balancer.settled().await;
    assert_eq!(balancer.send("GET", "/", &[]).await.0, 504);

    // Its own status is that of the application.
    let failing = Upstream::start("failing", Behaviour::Status(500)).await;
    balancer.set_targets("app", &[failing.address]);
    balancer.settled().await;
    assert_eq!(balancer.send("GET", "/", &[]).await, (500, "failing".to_owned()));
}

#[tokio::test]
async fn the_share_of_a_new_target_grows_slowly() {
    const WINDOW: Duration = Duration::from_secs(4);
    let mut target_group = TargetGroup::new("app", TargetProtocol::Http1);
    target_group.slow_start = Some(WINDOW);
    let balancer = before(target_group).await;
    let (a, b) = (
        Upstream::start("a", Behaviour::Name).await,
        Upstream::start("b", Behaviour::Name).await,
    );
    balancer.set_targets("app", &[a.address]);
    balancer.settled().await;
    // The first target is old once its own window is over.
    let started = Instant::now();
    while started.elapsed() <= WINDOW {
        assert_eq!(balancer.send("GET", "/", &[]).await.1, "a");
    }
    balancer.set_targets("app", &[a.address, b.address]);
    balancer.settled().await;
    let share = async |requests: u32| {
        let mut count = 0;
        for _ in 0..requests {
            count += u32::from(balancer.send("GET", "/", &[]).await.1 == "b");
        }
        count
    };
    // Few requests: its share grows while they are sent. Half of them would be 4.
    let at_first = share(8).await;
    assert!(at_first <= 2, "{at_first} of 8");
    eventually("an equal share", async || match share(20).await {
        9..=11 => Ok(()),
        count => Err(count.to_string()),
    })
    .await;
}

#[tokio::test]
async fn a_cookie_keeps_a_client_at_a_target() {
    let mut target_group = TargetGroup::new("app", TargetProtocol::Http1);
    target_group.stickiness = Some(TargetStickiness {
        cookie: "AWSALB",
        duration: Some(Duration::from_secs(60)),
    });
    let balancer = before(target_group).await;
    let (a, b) = (
        Upstream::start("a", Behaviour::Name).await,
        Upstream::start("b", Behaviour::Name).await,
    );
    balancer.set_targets("app", &[a.address, b.address]);
    balancer.settled().await;
    let first = balancer.response("GET", "/", &[]).await;
    let cookie = first.cookie("AWSALB").expect("a cookie of the load balancer");
    for _ in 0..10 {
        assert_eq!(balancer.send("GET", "/", &[("cookie", &cookie)]).await.1, first.body);
    }
    wait_for_answers(&balancer, &["a", "b"]).await;
    // Once its target is gone, the client gets another.
    let (gone, left) = if first.body == "a" { (a, b) } else { (b, a) };
    balancer.set_targets("app", &[left.address]);
    balancer.settled().await;
    drop(gone);
    assert_eq!(balancer.send("GET", "/", &[("cookie", &cookie)]).await.0, 200);
}

#[tokio::test]
async fn a_draining_target_completes_its_requests_and_gets_no_others() {
    let balancer = before(TargetGroup::new("app", TargetProtocol::Http1)).await;
    let silent = Upstream::start("silent", Behaviour::Silence).await;
    balancer.set_targets("app", &[silent.address]);
    balancer.settled().await;
    let url = format!("http://{}/", balancer.address(80));
    let open = tokio::spawn(
        reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client")
            .get(url)
            .send(),
    );
    silent.wait_for_requests(1).await;
    let other = Upstream::start("other", Behaviour::Name).await;
    balancer.mesh.control.update(|state| {
        let targets = state.targets.get_mut("app").expect("its targets");
        let mut new = targets[0].clone();
        new.address = other.address;
        targets[0].is_draining = true;
        targets.push(new);
    });
    balancer.settled().await;
    wait_for_answers(&balancer, &["other"]).await;
    assert_eq!(silent.requests(), 1);
    assert!(!open.is_finished(), "its request goes on");
    let page = balancer.envoy.page("/clusters").await;
    let active = format!("targetGroup/app::{}::rq_active::1", silent.address);
    assert!(page.contains(&active), "{page}");
    open.abort();
}

#[tokio::test]
async fn network_load_balancers_pass_connections_on() {
    let mut listener = http_listener("app");
    listener.protocol = ListenerProtocol::Tcp;
    let listeners = BTreeMap::from([(9000, listener)]);
    let mut target_group = TargetGroup::new("app", TargetProtocol::Tcp);
    target_group.health_check = Some(TargetHealthCheck {
        probe: Probe::Tcp,
        interval: Duration::from_millis(100),
        timeout: Duration::from_secs(1),
        healthy_threshold: 2,
        unhealthy_threshold: 2,
    });
    let state = MeshState {
        target_groups: [("app".to_owned(), target_group)].into(),
        ..MeshState::default()
    };
    let balancer = Balancer::start_as(XdsProtocol::Delta, LoadBalancerKind::Network, listeners, state).await;
    let app = TcpUpstream::start("hello").await;
    let closed = ReservedPort::pick();
    balancer.set_targets("app", &[closed.address(), app.address]);
    eventually("the closed target is unhealthy", async || {
        let health = balancer.envoy.health_of("targetGroup/app").await;
        let flags = health.get(&closed.address()).cloned().unwrap_or_default();
        let other = health.get(&app.address).cloned().unwrap_or_default();
        if flags.contains("failed_active_hc") && other == "healthy" {
            Ok(())
        } else {
            Err(format!("{health:?}"))
        }
    })
    .await;
    let greeting = async || {
        let mut connection = TcpStream::connect(balancer.address(9000)).await.expect("it listens");
        let mut greeting = [0; 5];
        connection.read_exact(&mut greeting).await.map(|_| greeting)
    };
    // Envoy's workers learn of a target's health shortly after its admin interface shows it.
    eventually("a worker knows the health", async || {
        let mut greetings = Vec::new();
        for _ in 0..4 {
            greetings.push(greeting().await.map_err(|error| error.to_string())?);
        }
        Ok(greetings)
    })
    .await;
    for _ in 0..8 {
        assert_eq!(&greeting().await.expect("the application's first bytes"), b"hello");
    }
}
