//! Combinations of network and capacity options: each template is complete, reachable by the check, and accepted by cfn-lint.

use mesh_infra::{
    Autoscaling, CapacityProvider, Cluster, LoadBalancer, Network, NetworkHandle, PrivateEgress, Service, Stack,
    TaskDefinition, Template, Vpc,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::deployable::app;

/// The origin of a network.
#[derive(Debug, Clone, Copy)]
enum Origin {
    Vpc {
        private: Option<PrivateEgress>,
        has_ipv6: bool,
    },
    Ids {
        has_public: bool,
        has_groups: bool,
    },
    Parameters {
        has_public: bool,
    },
}

#[derive(Debug, Clone, Copy)]
enum Certificate {
    None,
    Arn,
    Parameter,
}

#[derive(Debug, Clone, Copy)]
struct Entrance {
    is_application: bool,
    is_internal: bool,
    has_groups: bool,
    has_path: bool,
    port: Option<u16>,
    certificate: Certificate,
    capacity: Capacity,
    is_scaled: bool,
}

#[derive(Debug, Clone, Copy)]
enum Capacity {
    LaunchType,
    Spot,
    Ec2,
}

fn origin() -> impl Strategy<Value = Origin> {
    let egress = prop_oneof![
        Just(None),
        Just(Some(PrivateEgress::None)),
        Just(Some(PrivateEgress::NatGateway)),
        Just(Some(PrivateEgress::NatGatewayPerZone)),
        Just(Some(PrivateEgress::VpcEndpoints)),
    ];
    prop_oneof![
        3 => (egress, any::<bool>()).prop_map(|(private, has_ipv6)| Origin::Vpc { private, has_ipv6 }),
        1 => any::<(bool, bool)>().prop_map(|(has_public, has_groups)| Origin::Ids { has_public, has_groups }),
        1 => any::<bool>().prop_map(|has_public| Origin::Parameters { has_public }),
    ]
}

fn entrance() -> impl Strategy<Value = Entrance> {
    let certificate = prop_oneof![
        Just(Certificate::None),
        Just(Certificate::Arn),
        Just(Certificate::Parameter)
    ];
    let port = prop_oneof![Just(None), Just(Some(80)), Just(Some(8443))];
    let capacity = prop_oneof![Just(Capacity::LaunchType), Just(Capacity::Spot), Just(Capacity::Ec2)];
    (any::<[bool; 5]>(), port, certificate, capacity).prop_map(
        |([is_application, is_internal, has_groups, has_path, is_scaled], port, certificate, capacity)| Entrance {
            is_application,
            is_internal,
            has_groups,
            has_path,
            port,
            certificate,
            capacity,
            is_scaled,
        },
    )
}

fn add_network(origin: Origin, stack: &mut Stack) -> NetworkHandle {
    match origin {
        Origin::Vpc { private, has_ipv6 } => {
            let vpc = private.into_iter().fold(Vpc::new(), Vpc::with_private_subnets);
            stack.add("Vpc", if has_ipv6 { vpc.with_ipv6() } else { vpc })
        }
        Origin::Ids { has_public, has_groups } => {
            let network = Network::in_subnets(["subnet-00000001", "subnet-00000002"]).with_vpc_id("vpc-00000001");
            let network = match has_public {
                true => network.with_public_subnets(["subnet-00000003", "subnet-00000004"]),
                false => network.with_public_ips(),
            };
            let network = match has_groups {
                true => network.with_security_groups(["sg-00000001"]),
                false => network,
            };
            stack.add("Network", network)
        }
        Origin::Parameters { has_public } => {
            let network = Network::from_parameters();
            let network = match has_public {
                true => network.with_public_subnets_from_parameter(),
                false => network,
            };
            stack.add("Network", network)
        }
    }
}

fn load_balancer(origin: Origin, entrance: Entrance, network: &NetworkHandle) -> LoadBalancer {
    let mut load_balancer = match entrance.is_application {
        true => LoadBalancer::application(network, 3000),
        false => LoadBalancer::network(network, 3000),
    };
    if entrance.is_internal {
        load_balancer = load_balancer.with_internal_scheme();
    } else if matches!(origin, Origin::Vpc { has_ipv6: true, .. }) {
        load_balancer = load_balancer.with_dual_stack();
    }
    if entrance.has_groups {
        load_balancer = load_balancer.with_security_groups(["sg-00000002", "sg-00000003"]);
    }
    if entrance.has_path {
        load_balancer = load_balancer.with_health_check_path("/health");
    }
    if let Some(port) = entrance.port {
        load_balancer = load_balancer.with_port(port);
    }
    match entrance.certificate {
        Certificate::None => load_balancer,
        Certificate::Arn => load_balancer.with_certificate_arn(
            "arn:aws:acm:eu-west-1:123456789012:certificate/12345678-1234-1234-1234-123456789012",
        ),
        Certificate::Parameter => load_balancer.with_certificate_from_parameter(),
    }
}

/// The service behind an entrance.
fn service(origin: Origin, entrance: Entrance, service: Service) -> Service {
    // Tasks on EC2 have no public addresses, which the constructs report.
    let has_public_ips = matches!(
        origin,
        Origin::Vpc { private: None, .. } | Origin::Ids { has_public: false, .. }
    );
    let service = match entrance.capacity {
        Capacity::LaunchType => service,
        Capacity::Ec2 if !has_public_ips => service.with_capacity_providers([CapacityProvider::ec2("machines")]),
        Capacity::Spot | Capacity::Ec2 => service.with_capacity_providers([
            CapacityProvider::fargate().with_base(1),
            CapacityProvider::fargate_spot().with_weight(4),
        ]),
    };
    let scaling = Autoscaling::new(1, 4).with_cpu_target(50).with_memory_target(80);
    match (entrance.is_scaled, entrance.is_application) {
        (false, _) => service,
        (true, false) => service.with_autoscaling(scaling),
        (true, true) => service.with_autoscaling(scaling.with_requests_target(600)),
    }
}

/// Each entrance has a service of its own: a service is behind one load balancer.
fn template(origin: Origin, entrances: &[Entrance]) -> Template {
    let mut stack = Stack::new("demo");
    let network = add_network(origin, &mut stack);
    let providers = [CapacityProvider::FARGATE, CapacityProvider::FARGATE_SPOT, "machines"];
    let cluster = stack.add("Cluster", Cluster::new().with_capacity_providers(providers));
    for (index, entrance) in entrances.iter().enumerate() {
        let load_balancer = load_balancer(origin, *entrance, &network);
        let load_balancer = stack.add(&format!("Entrance{index}"), load_balancer);
        let plain = Service::new(&cluster, TaskDefinition::new(app(3000))).with_network(&network);
        let service = service(origin, *entrance, plain.with_load_balancer(&load_balancer));
        stack.add(&format!("app{index}"), service);
    }
    stack
        .synth()
        .unwrap_or_else(|errors| panic!("{origin:?} {entrances:?}: {errors}"))
}

/// One run of cfn-lint for all templates, because its start takes seconds.
#[test]
fn cfn_lint_accepts_combinations_of_network_options() {
    let mut runner = TestRunner::deterministic();
    let strategy = (origin(), prop::collection::vec(entrance(), 1..3));
    let dir = testkit::Workdir::new();
    let files: Vec<_> = (0..48)
        .map(|index| {
            let (origin, entrances) = strategy.new_tree(&mut runner).expect("a combination").current();
            let name = format!("{index}.json");
            let template = template(origin, &entrances);
            dir.file(&name, &template.to_json())
        })
        .collect();
    let mut lint = testkit::python_tools().cfn_lint();
    let output = lint.arg("--").args(files).output().expect("cfn-lint starts");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.is_empty(), "{}: {text}", output.status);
}
