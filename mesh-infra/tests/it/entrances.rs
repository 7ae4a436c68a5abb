//! Entrances: schemes, types of load balancers, certificates, subnets, groups, and the addresses that may connect.

use mesh_infra::{
    Cluster, LoadBalancer, Network, NetworkHandle, Parameter, PrivateEgress, Service, Stack, TaskDefinition, Template,
    Vpc,
};
use serde_json::{Value as Json, json};

use crate::deployable::app;

/// A service behind a load balancer, in a network.
fn behind(
    network: impl FnOnce(&mut Stack) -> NetworkHandle,
    entrance: impl FnOnce(&mut Stack, &NetworkHandle) -> LoadBalancer,
) -> Template {
    let mut stack = Stack::new("demo");
    let network = network(&mut stack);
    let cluster = stack.add("Cluster", Cluster::new());
    let entrance = entrance(&mut stack, &network);
    let entrance = stack.add("Entrance", entrance);
    let service = Service::new(&cluster, TaskDefinition::new(app(3000))).with_network(&network);
    stack.add("app", service.with_load_balancer(&entrance));
    stack.synth().unwrap_or_else(|errors| panic!("{errors}"))
}

fn private_vpc(stack: &mut Stack) -> NetworkHandle {
    stack.add("Vpc", Vpc::new().with_private_subnets(PrivateEgress::NatGateway))
}

fn properties<'t>(template: &'t Template, id: &str) -> &'t Json {
    &template.resources[id].properties
}

fn refs(ids: [&str; 2]) -> Json {
    json!(ids.map(|id| json!({ "Ref": id })))
}

/// Whether every packet from the load balancer to the tasks is allowed by a rule of both ends.
fn assert_reachable(template: &Template) {
    let groups =
        properties(template, "AppService")["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"].to_string();
    let own = json!({"Fn::GetAtt": ["EntranceLoadBalancerSecurityGroup", "GroupId"]});
    let egress = &properties(template, "EntranceLoadBalancerSecurityGroup")["SecurityGroupEgress"];
    assert_eq!(egress.as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&egress[0]["FromPort"], &egress[0]["ToPort"]),
        (&json!(3000), &json!(3000))
    );
    let destination = &egress[0]["DestinationSecurityGroupId"];
    assert!(
        destination.is_object() && groups.contains(&destination.to_string()),
        "{egress} {groups}"
    );
    let ingress = &properties(template, "EntranceTargetsSecurityGroup")["SecurityGroupIngress"];
    assert_eq!(ingress[0]["SourceSecurityGroupId"], own);
    assert!(groups.contains("EntranceTargetsSecurityGroup"), "{groups}");
}

#[test]
fn tasks_in_private_subnets_are_reached_from_public_ones() {
    let template = behind(private_vpc, |_, network| LoadBalancer::network(network, 3000));
    assert_reachable(&template);
    let entrance = properties(&template, "EntranceLoadBalancer");
    assert_eq!(entrance["Scheme"], "internet-facing");
    assert_eq!(entrance["Subnets"], refs(["PublicSubnet1", "PublicSubnet2"]));
    let network = &properties(&template, "AppService")["NetworkConfiguration"]["AwsvpcConfiguration"];
    assert_eq!(network["Subnets"], refs(["PrivateSubnet1", "PrivateSubnet2"]));
    assert_eq!(network.get("AssignPublicIp"), None);
}

#[test]
fn a_service_in_another_network_of_the_vpc_is_reached() {
    let mut stack = Stack::new("demo");
    let public = stack.add(
        "Public",
        Network::in_subnets(["subnet-1", "subnet-2"]).with_vpc_id("vpc-1"),
    );
    let private = stack.add(
        "Private",
        Network::in_subnets(["subnet-3", "subnet-4"]).with_vpc_id("vpc-1"),
    );
    let cluster = stack.add("Cluster", Cluster::new());
    let entrance = stack.add("Entrance", LoadBalancer::network(&public, 3000));
    let service = Service::new(&cluster, TaskDefinition::new(app(3000))).with_network(&private);
    stack.add("app", service.with_load_balancer(&entrance));
    assert_reachable(&stack.synth().unwrap());
}

#[test]
fn an_internal_entrance_is_beside_the_tasks() {
    let template = behind(private_vpc, |_, network| {
        LoadBalancer::application(network, 3000).with_internal_scheme()
    });
    assert_reachable(&template);
    let entrance = properties(&template, "EntranceLoadBalancer");
    assert_eq!(entrance["Scheme"], "internal");
    assert_eq!(entrance["Subnets"], refs(["PrivateSubnet1", "PrivateSubnet2"]));
    assert_eq!(template.resources["EntranceLoadBalancer"].depends_on, [""; 0]);
}

#[test]
fn an_existing_vpc_is_chosen_by_the_deployment() {
    let template = behind(
        |stack| {
            stack.add(
                "Network",
                Network::from_parameters().with_public_subnets_from_parameter(),
            )
        },
        |_, network| LoadBalancer::application(network, 3000).with_certificate_from_parameter(),
    );
    for (name, kind) in [
        ("NetworkVpcId", "AWS::EC2::VPC::Id"),
        ("NetworkSubnets", "List<AWS::EC2::Subnet::Id>"),
        ("NetworkPublicSubnets", "List<AWS::EC2::Subnet::Id>"),
        ("NetworkSecurityGroups", "List<AWS::EC2::SecurityGroup::Id>"),
        ("EntranceCertificateArn", "String"),
    ] {
        assert_eq!(template.parameters[name].kind, kind);
        assert_eq!(template.parameters[name].default, None, "{name}");
    }
    assert_eq!(
        properties(&template, "EntranceLoadBalancer")["Subnets"],
        json!({"Ref": "NetworkPublicSubnets"})
    );
    assert_reachable(&template);
}

#[test]
fn existing_groups_replace_the_own_group_and_its_parameters() {
    let template = behind(private_vpc, |stack, network| {
        let group = stack.add("EntranceGroup", Parameter::new("AWS::EC2::SecurityGroup::Id"));
        LoadBalancer::network(network, 3000).with_security_groups([group.value()])
    });
    let group = json!({"Ref": "EntranceGroup"});
    assert_eq!(
        properties(&template, "EntranceLoadBalancer")["SecurityGroups"],
        json!([group])
    );
    let ingress = &properties(&template, "EntranceTargetsSecurityGroup")["SecurityGroupIngress"];
    assert_eq!(ingress[0]["SourceSecurityGroupId"], group);
    let parameters: Vec<&String> = template.parameters.keys().collect();
    assert_eq!(parameters, ["EntranceGroup"]);
    assert!(!template.resources.contains_key("EntranceLoadBalancerSecurityGroup"));
}

#[test]
fn an_application_load_balancer_terminates_https_and_redirects_http() {
    let template = behind(private_vpc, |_, network| {
        LoadBalancer::application(network, 3000)
            .with_certificate_arn("arn:aws:acm:eu-west-1:123456789012:certificate/1")
            .with_health_check_path("/health")
    });
    template
        .has_resource(
            "AWS::ElasticLoadBalancingV2::Listener",
            &json!({"Protocol": "HTTPS", "Port": 443, "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
                "Certificates": [{"CertificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/1"}],
                "DefaultActions": [{"Type": "forward"}]}),
        )
        .unwrap();
    template
        .has_resource(
            "AWS::ElasticLoadBalancingV2::Listener",
            &json!({"Protocol": "HTTP", "Port": 80, "DefaultActions": [{"Type": "redirect",
                "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}]}),
        )
        .unwrap();
    template
        .has_resource(
            "AWS::ElasticLoadBalancingV2::TargetGroup",
            &json!({"Protocol": "HTTP", "HealthCheckPath": "/health", "Matcher": {"HttpCode": "200-399"}}),
        )
        .unwrap();
    let ingress = &properties(&template, "EntranceLoadBalancerSecurityGroup")["SecurityGroupIngress"];
    let ports: Vec<&Json> = ingress
        .as_array()
        .into_iter()
        .flatten()
        .filter(|rule| rule["Fn::If"][0] == "HasAllowedCidr")
        .map(|rule| &rule["Fn::If"][1]["FromPort"])
        .collect();
    assert_eq!(ports, [&json!(443), &json!(80)]);
    assert_eq!(
        template.outputs["EntranceUrl"].value,
        json!({"Fn::Sub": "https://${EntranceLoadBalancer.DNSName}"})
    );
}

#[test]
fn a_network_load_balancer_terminates_tls() {
    let template = behind(private_vpc, |_, network| {
        LoadBalancer::network(network, 3000).with_certificate_arn("arn:aws:acm:eu-west-1:123456789012:certificate/1")
    });
    template
        .has_resource(
            "AWS::ElasticLoadBalancingV2::Listener",
            &json!({"Protocol": "TLS", "Port": 443}),
        )
        .unwrap();
    assert_eq!(template.resource_count("AWS::ElasticLoadBalancingV2::Listener"), 1);
    template
        .has_resource("AWS::ElasticLoadBalancingV2::TargetGroup", &json!({"Protocol": "TCP"}))
        .unwrap();
}

#[test]
fn an_entrance_with_ipv6_addresses_takes_both_families() {
    let template = behind(
        |stack| stack.add("Vpc", Vpc::new().with_ipv6()),
        |_, network| LoadBalancer::network(network, 3000).with_dual_stack(),
    );
    assert_eq!(
        properties(&template, "EntranceLoadBalancer")["IpAddressType"],
        "dualstack"
    );
    for name in LoadBalancer::ALLOWED_CIDRS
        .into_iter()
        .chain(LoadBalancer::ALLOWED_IPV6_CIDRS)
    {
        assert!(template.parameters.contains_key(name), "{name}");
    }
    let ingress = properties(&template, "EntranceLoadBalancerSecurityGroup")["SecurityGroupIngress"].to_string();
    assert!(
        ingress.contains(r#""CidrIpv6":{"Ref":"AllowedIpv6Cidr3"}"#),
        "{ingress}"
    );
    template
        .has_resource(
            "AWS::EC2::Route",
            &json!({"DestinationIpv6CidrBlock": "::/0", "GatewayId": {"Ref": "InternetGateway"}}),
        )
        .unwrap();
}

#[test]
fn private_subnets_have_the_chosen_way_out() {
    let count = |egress| {
        let template = behind(
            |stack| stack.add("Vpc", Vpc::new().with_private_subnets(egress)),
            |_, network| LoadBalancer::network(network, 3000),
        );
        (
            template.resource_count("AWS::EC2::NatGateway"),
            template.resource_count("AWS::EC2::RouteTable"),
            template.resource_count("AWS::EC2::VPCEndpoint"),
        )
    };
    for (egress, expected) in [
        (PrivateEgress::None, (0, 2, 0)),
        (PrivateEgress::NatGateway, (1, 2, 0)),
        (PrivateEgress::NatGatewayPerZone, (2, 3, 0)),
        (PrivateEgress::VpcEndpoints, (0, 2, 7)),
    ] {
        assert_eq!(count(egress), expected, "{egress:?}");
    }
    // A task that starts before its way out cannot pull its image.
    let template = behind(private_vpc, |_, network| LoadBalancer::network(network, 3000));
    let service = &template.resources["AppService"];
    for id in ["NatRoute", "PrivateSubnet2RouteTableAssociation"] {
        assert!(
            service.depends_on.iter().any(|other| other == id),
            "{:?}",
            service.depends_on
        );
    }
}
