//! Networks: the resources of a VPC, its security groups, and access by a load balancer.

use mesh_infra::{Cluster, LoadBalancer, Network, NetworkHandle, Service, Stack, TaskDefinition, Template, Value, Vpc};
use serde_json::{Value as Json, json};

use crate::deployable::{app, template};

/// A stack of one service behind a load balancer, in the network that `add` adds.
fn behind_load_balancer(add: impl FnOnce(&mut Stack) -> NetworkHandle) -> Stack {
    let mut stack = Stack::new("demo");
    let network = add(&mut stack);
    let cluster = stack.add("Cluster", Cluster::new());
    let entrance = stack.add("Entrance", LoadBalancer::network(&network, 3000));
    let service = Service::new(&cluster, TaskDefinition::new(app(3000))).with_network(&network);
    stack.add("app", service.with_load_balancer(&entrance));
    stack
}

fn group<'t>(template: &'t Template, id: &str) -> &'t Json {
    &template.resources[id].properties
}

fn groups_of(template: &Template, service: &str) -> Json {
    template.resources[service].properties["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"].clone()
}

fn id_of(group: &str) -> Json {
    json!({"Fn::GetAtt": [group, "GroupId"]})
}

#[test]
fn a_vpc_has_two_public_subnets_in_two_zones_and_no_nat_gateway() {
    let template = template();
    for (kind, count) in [
        ("AWS::EC2::VPC", 1),
        ("AWS::EC2::Subnet", 2),
        ("AWS::EC2::InternetGateway", 1),
        ("AWS::EC2::RouteTable", 1),
        ("AWS::EC2::SubnetRouteTableAssociation", 2),
        ("AWS::EC2::NatGateway", 0),
    ] {
        assert_eq!(template.resource_count(kind), count, "{kind}");
    }
    for (index, cidr) in [(0, "10.0.0.0/18"), (1, "10.0.64.0/18")] {
        template
            .has_resource(
                "AWS::EC2::Subnet",
                &json!({"CidrBlock": cidr, "AvailabilityZone": {"Fn::Select": [index, {"Fn::GetAZs": ""}]}}),
            )
            .unwrap();
    }
    template
        .has_resource(
            "AWS::EC2::Route",
            &json!({"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": {"Ref": "InternetGateway"}}),
        )
        .unwrap();
    assert_eq!(
        template.resources["InternetRoute"].depends_on,
        ["InternetGatewayAttachment"]
    );
    // Tasks without a way to the internet cannot pull images, and their addresses keep the gateway in its fixture.
    let service = &template.resources["BlueService"];
    for way in ["InternetRoute", "PublicSubnet1RouteTableAssociation"] {
        assert!(
            service.depends_on.iter().any(|id| id == way),
            "{:?}",
            service.depends_on
        );
    }
    assert_eq!(
        service.properties["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"],
        "ENABLED"
    );
}

#[test]
fn tasks_accept_only_traffic_of_their_network() {
    let template = template();
    assert_eq!(
        group(&template, "MembersSecurityGroup").get("SecurityGroupIngress"),
        None
    );
    let ingress = group(&template, "TasksSecurityGroup")["SecurityGroupIngress"]
        .as_array()
        .expect("a list");
    assert_eq!(ingress.len(), 1);
    assert_eq!(ingress[0]["SourceSecurityGroupId"], id_of("MembersSecurityGroup"));
    assert_eq!(
        groups_of(&template, "BlueService"),
        json!([id_of("MembersSecurityGroup"), id_of("TasksSecurityGroup")])
    );
    // Of all groups, only the one that every task carries lets anything leave for the internet.
    for (id, resource) in &template.resources {
        if resource.kind == "AWS::EC2::SecurityGroup" && id != "MembersSecurityGroup" {
            let egress = resource.properties["SecurityGroupEgress"].to_string();
            assert!(!egress.contains("0.0.0.0/0"), "{id}: {egress}");
        }
    }
    assert_eq!(template.resource_count("AWS::EC2::SecurityGroupIngress"), 0);
}

#[test]
fn the_load_balancer_allows_only_the_given_addresses() {
    let template = template();
    let ingress = &group(&template, "EntranceLoadBalancerSecurityGroup")["SecurityGroupIngress"];
    let names = [
        ("AllowedCidr", "CidrIp"),
        ("AllowedCidr2", "CidrIp"),
        ("AllowedCidr3", "CidrIp"),
        ("AllowedPrefixList", "SourcePrefixListId"),
    ];
    assert_eq!(ingress.as_array().map(Vec::len), Some(names.len()));
    assert_eq!(template.parameters.len(), names.len());
    for (rule, (name, source)) in ingress.as_array().into_iter().flatten().zip(names) {
        assert_eq!(template.parameters[name].default, Some(json!("")), "{name}");
        let condition = format!("Has{name}");
        assert_eq!(
            template.conditions[&condition],
            json!({"Fn::Not": [{"Fn::Equals": [{"Ref": name}, ""]}]})
        );
        assert_eq!(rule["Fn::If"][0], json!(condition));
        assert_eq!(rule["Fn::If"][1][source], json!({ "Ref": name }));
        assert_eq!(rule["Fn::If"][2], json!({"Ref": "AWS::NoValue"}));
    }
}

#[test]
fn a_load_balancer_reaches_one_port_of_its_targets() {
    let template = template();
    let port = |rule: &Json| (rule["FromPort"].clone(), rule["ToPort"].clone());
    let targets = &group(&template, "EntranceTargetsSecurityGroup")["SecurityGroupIngress"];
    assert_eq!(targets.as_array().map(Vec::len), Some(1));
    assert_eq!(port(&targets[0]), (json!(9080), json!(9080)));
    assert_eq!(
        targets[0]["SourceSecurityGroupId"],
        id_of("EntranceLoadBalancerSecurityGroup")
    );
    assert_eq!(
        groups_of(&template, "DoorService"),
        json!([
            id_of("MembersSecurityGroup"),
            id_of("TasksSecurityGroup"),
            id_of("EntranceTargetMembersSecurityGroup"),
            id_of("EntranceTargetsSecurityGroup")
        ])
    );
    template
        .has_resource(
            "AWS::ElasticLoadBalancingV2::LoadBalancer",
            &json!({"Type": "network", "Scheme": "internet-facing",
                "SecurityGroups": [id_of("EntranceLoadBalancerSecurityGroup")]}),
        )
        .unwrap();
    template
        .has_resource(
            "AWS::ElasticLoadBalancingV2::TargetGroup",
            &json!({"TargetType": "ip", "Protocol": "TCP", "Port": 9080, "HealthCheckProtocol": "TCP"}),
        )
        .unwrap();
    template
        .has_resource(
            "AWS::ElasticLoadBalancingV2::Listener",
            &json!({"Port": 80, "DefaultActions": [
                {"Type": "forward", "TargetGroupArn": {"Ref": "EntranceTargetGroup"}}]}),
        )
        .unwrap();
    let service = &template.resources["DoorService"];
    assert_eq!(
        service.properties["LoadBalancers"],
        json!([{"ContainerName": "envoy", "ContainerPort": 9080, "TargetGroupArn": {"Ref": "EntranceTargetGroup"}}])
    );
    assert!(service.depends_on.contains(&"EntranceListener".to_owned()));
    assert_eq!(
        template.outputs["EntranceUrl"].value,
        json!({"Fn::Sub": "http://${EntranceLoadBalancer.DNSName}"})
    );
}

#[test]
fn a_load_balancer_has_options() {
    let mut stack = Stack::new("demo");
    let network = stack.add("Vpc", Vpc::new().with_cidr("172.16.0.0/20"));
    let entrance = LoadBalancer::network(&network, 3000)
        .with_port(8080)
        .with_name("demo")
        .with_health_check_path("/health");
    stack.add("Entrance", entrance);
    let template = stack.synth().unwrap();
    template
        .has_resource(
            "AWS::ElasticLoadBalancingV2::TargetGroup",
            &json!({"HealthCheckProtocol": "HTTP", "HealthCheckPath": "/health"}),
        )
        .unwrap();
    template
        .has_resource("AWS::ElasticLoadBalancingV2::Listener", &json!({"Port": 8080}))
        .unwrap();
    template
        .has_resource("AWS::EC2::Subnet", &json!({"CidrBlock": "172.16.4.0/22"}))
        .unwrap();
    assert_eq!(
        template.outputs["EntranceUrl"].value,
        json!({"Fn::Sub": "http://${EntranceLoadBalancer.DNSName}:8080"})
    );
}

#[test]
fn tasks_in_an_existing_vpc_have_groups_of_the_stack() {
    let stack = behind_load_balancer(|stack| {
        let network = Network::in_subnets(["subnet-1", "subnet-2"]).with_vpc_id("vpc-1");
        stack.add("Network", network.with_public_ips())
    });
    let template = stack.synth().unwrap();
    assert_eq!(template.resource_count("AWS::EC2::VPC"), 0);
    assert_eq!(group(&template, "TasksSecurityGroup")["VpcId"], "vpc-1");
    assert_eq!(
        groups_of(&template, "AppService"),
        json!([
            id_of("MembersSecurityGroup"),
            id_of("TasksSecurityGroup"),
            id_of("EntranceTargetMembersSecurityGroup"),
            id_of("EntranceTargetsSecurityGroup")
        ])
    );
}

#[test]
fn a_group_is_added_to_given_groups() {
    let stack = behind_load_balancer(|stack| stack.add("Network", Network::from_parameters()));
    let template = stack.synth().unwrap();
    let given = json!({"Fn::Join": [",", {"Ref": "NetworkSecurityGroups"}]});
    assert_eq!(
        groups_of(&template, "AppService"),
        json!({"Fn::Split": [",", {"Fn::Join": [",", [
            given,
            id_of("EntranceTargetMembersSecurityGroup"),
            id_of("EntranceTargetsSecurityGroup")
        ]]}]})
    );
    assert_eq!(template.parameters["NetworkVpcId"].kind, "AWS::EC2::VPC::Id");

    let stack = behind_load_balancer(|stack| {
        let network = Network::in_subnets(["subnet-1"]).with_security_groups(["sg-1"]);
        stack.add("Network", network.with_vpc_id(Value::from("vpc-1")))
    });
    assert_eq!(
        groups_of(&stack.synth().unwrap(), "AppService"),
        json!([
            "sg-1",
            id_of("EntranceTargetMembersSecurityGroup"),
            id_of("EntranceTargetsSecurityGroup")
        ])
    );
}

#[test]
fn invalid_networks_are_reported_with_a_remedy() {
    let stack = behind_load_balancer(|stack| stack.add("Network", Network::in_subnets(["subnet-1"])));
    assert_eq!(
        stack.synth().unwrap_err().to_string(),
        "Resources.EntranceLoadBalancer.Properties.SecurityGroups: are unknown: the tasks of the network use \
         the VPC's default group, which the load balancer's group would replace; set Network::with_vpc_id or \
         Network::with_security_groups"
    );

    let mut stack = Stack::new("demo");
    let network = stack.add("Vpc", Vpc::new().with_cidr("10.0.1.0/16"));
    let cluster = stack.add("Cluster", Cluster::new());
    let entrance = LoadBalancer::network(&network, 8080).with_name("a-name-that-is-longer-than-32-letters");
    let entrance = stack.add("Entrance", entrance);
    let service = Service::new(&cluster, TaskDefinition::new(app(3000))).with_network(&network);
    stack.add("app", service.with_load_balancer(&entrance));
    assert_eq!(
        stack.synth().unwrap_err().to_string(),
        "Resources.Vpc.Properties.CidrBlock: is `10.0.1.0/16`; allowed is an IPv4 block from /16 to /26, aligned to \
         its size, such as 10.0.0.0/16\n\
         Resources.AppService.Properties.LoadBalancers: forward to port 8080, which no container has; add a port \
         mapping to a container, or change the port of the load balancer\n\
         Resources.EntranceLoadBalancer.Properties.Name: is `a-name-that-is-longer-than-32-letters`; allowed are 1 to 32 \
         of a-z, A-Z, 0-9 and -, with a letter or digit at both ends"
    );
}
