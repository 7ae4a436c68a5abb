//! The check of reachability: what it reports, and what it cannot know.

use mesh_infra::{Template, check};
use serde_json::{Value as Json, json};

/// A template with an application load balancer in front of a service, both in networks of the template. `change` edits
/// its resources.
fn errors_of(change: impl FnOnce(&mut Json)) -> String {
    let rule = |name: &str, peer: Json| json!({"IpProtocol": "tcp", "FromPort": 3000, "ToPort": 3000, name: peer});
    let id = |group: &str| json!({"Fn::GetAtt": [group, "GroupId"]});
    let group = |ingress: Json, egress: Json| {
        json!({"Type": "AWS::EC2::SecurityGroup", "Properties": {
            "GroupDescription": "x", "VpcId": {"Ref": "Vpc"},
            "SecurityGroupIngress": ingress, "SecurityGroupEgress": egress}})
    };
    let subnet = |zone: u32| {
        json!({"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/24",
            "AvailabilityZone": {"Fn::Select": [zone, {"Fn::GetAZs": ""}]}}})
    };
    let association = |subnet: &str| {
        json!({"Type": "AWS::EC2::SubnetRouteTableAssociation", "Properties": {
            "SubnetId": {"Ref": subnet}, "RouteTableId": {"Ref": "Table"}}})
    };
    let nothing = json!([{"IpProtocol": "-1", "CidrIp": "127.0.0.1/32"}]);
    let mut resources = json!({
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "Gateway": {"Type": "AWS::EC2::InternetGateway"},
        "Table": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": "Vpc"}}},
        "Route": {"Type": "AWS::EC2::Route", "Properties": {"RouteTableId": {"Ref": "Table"},
            "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": {"Ref": "Gateway"}}},
        "Public1": subnet(0), "Public2": subnet(1), "Private1": subnet(0), "Private2": subnet(1), "Private3": subnet(2),
        "Association1": association("Public1"), "Association2": association("Public2"),
        "Door": group(json!([]), json!([rule("DestinationSecurityGroupId", id("Marker"))])),
        "Marker": group(json!([]), nothing.clone()),
        "Tasks": group(json!([rule("SourceSecurityGroupId", id("Door"))]), nothing),
        "Balancer": {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": {
            "Subnets": [{"Ref": "Public1"}, {"Ref": "Public2"}], "SecurityGroups": [id("Door")]}},
        "Targets": {"Type": "AWS::ElasticLoadBalancingV2::TargetGroup", "Properties": {}},
        "Listener": {"Type": "AWS::ElasticLoadBalancingV2::Listener", "Properties": {
            "LoadBalancerArn": {"Ref": "Balancer"},
            "DefaultActions": [{"Type": "forward", "TargetGroupArn": {"Ref": "Targets"}}]}},
        "Service": {"Type": "AWS::ECS::Service", "Properties": {
            "LoadBalancers": [
                {"ContainerName": "app", "ContainerPort": 3000, "TargetGroupArn": {"Ref": "Targets"}}],
            "NetworkConfiguration": {"AwsvpcConfiguration": {
                "Subnets": [{"Ref": "Private1"}, {"Ref": "Private2"}],
                "SecurityGroups": [id("Marker"), id("Tasks")]}}}}
    });
    change(&mut resources);
    let template = Template::from_json(&json!({ "Resources": resources }).to_string()).unwrap();
    check(&template).map_or_else(|errors| errors.to_string(), |()| String::new())
}

fn properties<'r>(resources: &'r mut Json, id: &str) -> &'r mut Json {
    &mut resources[id]["Properties"]
}

fn awsvpc(resources: &mut Json) -> &mut Json {
    &mut properties(resources, "Service")["NetworkConfiguration"]["AwsvpcConfiguration"]
}

const NO_EGRESS: &str = "Resources.Balancer.Properties.SecurityGroups: allow no egress to the tasks of `Service` on TCP port \
                         3000, so that nothing reaches them; add an egress rule to `Door` whose destination is one of";

const NO_INGRESS: &str = "Resources.Service.Properties.NetworkConfiguration.AwsvpcConfiguration.SecurityGroups: allow no \
                          ingress from the load balancer `Balancer` on TCP port 3000, so that nothing reaches the tasks; \
                          add an ingress rule to one of `Marker`, `Tasks` whose source is `Door`";

#[test]
fn the_usual_network_is_reachable() {
    assert_eq!(errors_of(|_| {}), "");
}

#[test]
fn egress_to_another_group_reaches_nothing() {
    let errors = errors_of(|resources| {
        awsvpc(resources)["SecurityGroups"] = json!([{"Fn::GetAtt": ["Tasks", "GroupId"]}]);
    });
    assert_eq!(errors, format!("{NO_EGRESS} `Tasks`"));
    let errors = errors_of(|resources| {
        properties(resources, "Door")["SecurityGroupEgress"][0]["ToPort"] = json!(2999);
        properties(resources, "Door")["SecurityGroupEgress"][0]["FromPort"] = json!(2999);
    });
    assert_eq!(errors, format!("{NO_EGRESS} `Marker`, `Tasks`"));
    let errors = errors_of(|resources| {
        properties(resources, "Door")["SecurityGroupEgress"][0]["IpProtocol"] = json!("udp");
    });
    assert_eq!(errors, format!("{NO_EGRESS} `Marker`, `Tasks`"));
}

#[test]
fn tasks_that_take_nothing_from_the_load_balancer_are_reported() {
    let errors = errors_of(|resources| {
        properties(resources, "Tasks")["SecurityGroupIngress"][0]["SourceSecurityGroupId"] = json!("sg-1");
    });
    assert_eq!(errors, NO_INGRESS);
    let errors = errors_of(|resources| {
        properties(resources, "Tasks")
            .as_object_mut()
            .expect("an object")
            .remove("SecurityGroupIngress");
    });
    assert_eq!(errors, NO_INGRESS);
}

#[test]
fn rules_outside_of_their_group_count() {
    let id = |group: &str| json!({"Fn::GetAtt": [group, "GroupId"]});
    let errors = errors_of(|resources| {
        properties(resources, "Tasks")["SecurityGroupIngress"] = json!([]);
        resources["Rule"] = json!({"Type": "AWS::EC2::SecurityGroupIngress", "Properties": {"GroupId": id("Tasks"),
            "IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535, "SourceSecurityGroupId": {"Ref": "Door"}}});
    });
    assert_eq!(errors, "");
}

#[test]
fn a_rule_for_another_target_group_is_found_by_its_listener_rule() {
    let errors = errors_of(|resources| {
        properties(resources, "Listener")["DefaultActions"] = json!([{"Type": "fixed-response"}]);
        resources["Rule"] = json!({"Type": "AWS::ElasticLoadBalancingV2::ListenerRule", "Properties": {
            "ListenerArn": {"Ref": "Listener"}, "Priority": 1,
            "Conditions": [{"Field": "path-pattern", "Values": ["/a"]}], "Actions": [{"Type": "forward", "ForwardConfig": {
                "TargetGroups": [{"TargetGroupArn": {"Ref": "Targets"}}]}}]}});
        awsvpc(resources)["SecurityGroups"] = json!([{"Fn::GetAtt": ["Tasks", "GroupId"]}]);
    });
    assert_eq!(errors, format!("{NO_EGRESS} `Tasks`"));
}

#[test]
fn what_the_template_does_not_contain_may_allow_everything() {
    let unknown: [fn(&mut Json); 6] = [
        // A group of the account.
        |resources| awsvpc(resources)["SecurityGroups"] = json!([{"Fn::GetAtt": ["Marker", "GroupId"]}, "sg-1"]),
        |resources| properties(resources, "Balancer")["SecurityGroups"] = json!(["sg-1", {"Ref": "Door"}]),
        // Rules by address, or by an expression.
        |resources| {
            properties(resources, "Door")["SecurityGroupEgress"] =
                json!([{"IpProtocol": "tcp", "FromPort": 3000, "ToPort": 3000, "CidrIp": "10.0.0.0/16"}]);
        },
        |resources| properties(resources, "Tasks")["SecurityGroupIngress"] = json!({"Fn::FindInMap": ["A", "b", "c"]}),
        // EC2 allows all egress of a group without rules for it.
        |resources| properties(resources, "Door")["SecurityGroupEgress"] = json!([]),
        // The default group of the VPC.
        |resources| {
            awsvpc(resources)
                .as_object_mut()
                .expect("an object")
                .remove("SecurityGroups");
        },
    ];
    for (index, change) in unknown.into_iter().enumerate() {
        assert_eq!(errors_of(change), "", "{index}");
    }
}

#[test]
fn an_internet_facing_load_balancer_needs_public_subnets() {
    let expected = "Resources.Balancer.Properties.Subnets[1]: is `Public2`, which has no route to an internet gateway; an \
                    internet-facing load balancer needs public subnets: use those, or the scheme internal";
    let without_association = |resources: &mut Json| {
        resources.as_object_mut().expect("an object").remove("Association2");
    };
    assert_eq!(errors_of(without_association), expected);
    assert_eq!(
        errors_of(|resources| {
            without_association(resources);
            properties(resources, "Balancer")["Scheme"] = json!("internal");
        }),
        ""
    );
    let by_gateway = |gateway: Json| {
        errors_of(move |resources| properties(resources, "Route")["GatewayId"] = gateway)
            .lines()
            .count()
    };
    assert_eq!(by_gateway(json!("igw-1")), 0);
    assert_eq!(by_gateway(json!("vgw-1")), 2);
}

#[test]
fn zones_of_load_balancer_and_tasks_are_compared() {
    assert_eq!(
        errors_of(|resources| properties(resources, "Balancer")["Subnets"] = json!([{"Ref": "Public1"}, "subnet-1"])),
        ""
    );
    assert_eq!(
        errors_of(|resources| {
            properties(resources, "Balancer")["Subnets"] = json!(["subnet-1"]);
        }),
        "Resources.Balancer.Properties.Subnets: are in one availability zone; an application load balancer needs subnets \
         in at least 2"
    );
    let same_zone = |resources: &mut Json| {
        properties(resources, "Public2")["AvailabilityZone"] = json!({"Fn::Select": [0, {"Fn::GetAZs": ""}]});
        awsvpc(resources)["Subnets"] = json!([{"Ref": "Private1"}]);
    };
    assert_eq!(
        errors_of(same_zone),
        "Resources.Balancer.Properties.Subnets: are in one availability zone; an application load balancer needs subnets \
         in at least 2"
    );
    assert_eq!(
        errors_of(|resources| {
            same_zone(resources);
            properties(resources, "Balancer")["Type"] = json!("network");
        }),
        "Resources.Balancer.Properties.Subnets: have several in one availability zone; a load balancer has at most one \
         subnet in each"
    );
    assert_eq!(
        errors_of(|resources| awsvpc(resources)["Subnets"] = json!([{"Ref": "Private1"}, {"Ref": "Private3"}])),
        "Resources.Service.Properties.NetworkConfiguration.AwsvpcConfiguration.Subnets[1]: is in an availability zone in \
         which the load balancer `Balancer` has no subnet, so that it sends nothing to tasks there; add a subnet of this \
         zone to the load balancer"
    );
}

#[test]
fn spellings_of_a_zone_are_equal() {
    let errors = errors_of(|resources| {
        for (subnet, index) in [("Private1", json!("0")), ("Private2", json!(1))] {
            properties(resources, subnet)["AvailabilityZone"] =
                json!({"Fn::Select": [index, {"Fn::GetAZs": {"Ref": "AWS::Region"}}]});
        }
    });
    assert_eq!(errors, "");
    let other_region = errors_of(|resources| {
        properties(resources, "Private1")["AvailabilityZone"] =
            json!({"Fn::Select": [5, {"Fn::GetAZs": {"Ref": "Region"}}]});
        resources["Region"] = json!({"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x"}});
    });
    assert_eq!(other_region, "", "zones that are not comparable");
}

#[test]
fn a_firewall_endpoint_may_lead_to_the_internet() {
    let errors = errors_of(|resources| {
        let route = properties(resources, "Route").as_object_mut().expect("an object");
        route.remove("GatewayId");
        route.insert("VpcEndpointId".to_owned(), json!("vpce-1"));
    });
    assert_eq!(errors, "");
}
