//! Load balancers, and the certificates of load balancers and meshes.

use mesh_model::load_balancer::{Action, Condition, Forward, ListenerProtocol, Pattern, Probe};

use super::*;

const BASE: &str = "
Resources:
  Lb: {Type: AWS::ElasticLoadBalancingV2::LoadBalancer, Properties: {Subnets: [!ImportValue 'net:A']}}
  Listener:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties:
      LoadBalancerArn: !Ref Lb
      Port: 80
      Protocol: HTTP
      DefaultActions: [{Type: forward, TargetGroupArn: !Ref Web}]
  Late:
    Type: AWS::ElasticLoadBalancingV2::ListenerRule
    Properties:
      ListenerArn: !Ref Listener
      Priority: !GetAtt Count.Next
      Conditions: [{Field: path-pattern, Values: [/late]}]
      Actions: [{Type: forward, TargetGroupArn: !Ref Web}]
  Second:
    Type: AWS::ElasticLoadBalancingV2::ListenerRule
    Properties:
      ListenerArn: !Ref Listener
      Priority: 20
      Conditions: [{Field: host-header, HostHeaderConfig: {Values: [b.test]}}]
      Actions: [{Type: forward, ForwardConfig: {TargetGroups: [{TargetGroupArn: !Ref Web, Weight: 3}]}}]
  First:
    Type: AWS::ElasticLoadBalancingV2::ListenerRule
    Properties:
      ListenerArn: !Ref Listener
      Priority: 3
      Conditions: [{Field: path-pattern, Values: [/a]}]
      Actions: [{Type: forward, TargetGroupArn: !ImportValue 'other:Group'}]
  Web:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties: {Port: 80, Protocol: HTTP, VpcId: vpc-1, HealthCheckPath: /health, Matcher: {HttpCode: 200-299}}
  Record:
    Type: AWS::Route53::RecordSet
    Properties: {Name: Shop.test., Type: A, AliasTarget: {DNSName: !Sub 'dualstack.${Lb.DNSName}', HostedZoneId: !GetAtt Lb.CanonicalHostedZoneID}}
  Count: {Type: Custom::Count}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties: {ContainerDefinitions: [{Name: web, Image: demo, PortMappings: [{ContainerPort: 8080}], DockerLabels: {meshwright.port.8080: PORT}}]}
  Service:
    Type: AWS::ECS::Service
    Properties:
      ServiceName: web
      TaskDefinition: !Ref Task
      LoadBalancers: [{TargetGroupArn: !Ref Web, ContainerName: web, ContainerPort: 8080}]
";

fn plan_of(text: &str) -> Result<Plan, String> {
    let template = Template::from_yaml(text).expect("a template");
    let parameters = BTreeMap::new();
    let stacks = [stack(&template, &parameters)];
    Plan::new(&stacks, &images()).map_err(|errors| errors.to_string())
}

#[test]
fn rules_are_in_the_order_of_their_priorities() {
    let plan = plan_of(BASE).expect("a plan");
    let name = "demo-Lb";
    let load_balancer = &plan.load_balancers[name];
    assert!(
        load_balancer.dns_name.starts_with("demo-lb-"),
        "{}",
        load_balancer.dns_name
    );
    assert_eq!(load_balancer.aliases, ["shop.test"]);
    let listener = &load_balancer.listeners[&80];
    assert_eq!(listener.protocol, ListenerProtocol::Http);
    let rules: Vec<&str> = listener.rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(rules, ["First", "Second", "Late"]);
    assert_eq!(
        listener.rules[1].conditions,
        [Condition::Host(vec![Pattern::Wildcard("b.test".to_owned())])]
    );
    let weighted = Forward {
        target_groups: vec![("demo-Web".to_owned(), 3)],
        stickiness: None,
    };
    assert_eq!(listener.rules[1].action, Action::Forward(weighted));
    let target = &plan.services[0].targets[0];
    assert_eq!(
        (target.target_group.as_str(), target.container_port),
        ("demo-Web", 8080)
    );
    let check = plan.target_groups["demo-Web"]
        .health_check
        .as_ref()
        .expect("it is checked");
    assert_eq!((check.interval.as_secs(), check.timeout.as_secs()), (30, 5));
    let probe = Probe::Http {
        path: "/health".to_owned(),
        codes: vec![(200, 299)],
    };
    assert_eq!(check.probe, probe);
    let assumed: Vec<&str> = plan.assumed.iter().map(|(path, _)| path.as_str()).collect();
    for path in [
        "Resources.Late.Properties.Priority",
        "Resources.First.Properties.Actions[0].TargetGroupArn",
    ] {
        assert!(assumed.contains(&path), "{:?}", plan.assumed);
    }
    let listed: Vec<&str> = plan.not_simulated.iter().map(|(what, _)| what.as_str()).collect();
    assert_eq!(listed, ["Record", "Count"]);
}

#[test]
fn mistakes_are_reported_together() {
    let text = BASE
        .replace("Priority: 20", "Priority: 3")
        .replace("Values: [/a]", "Valuess: [/a]")
        .replace("ContainerName: web", "ContainerName: wbe")
        .replace("HttpCode: 200-299", "HttpCode: '2xx'");
    let errors = plan_of(&text).expect_err("mistakes");
    for expected in [
        "Resources.Web.Properties.Matcher.HttpCode: is `2xx`; allowed are codes from 200 to 599",
        "Resources.First.Properties.Conditions[0].Valuess: is not a property of",
        "did you mean Values?",
        "Resources.First.Properties.Priority: 3 is the priority of Resources.Second on the same listener",
        "LoadBalancers[0].ContainerName: `wbe` is not a container of the task definition; did you mean `web`?",
    ] {
        assert!(errors.contains(expected), "no `{expected}` in {errors}");
    }
}

#[test]
fn a_rule_that_never_matches_is_a_warning() {
    let text = BASE
        .replace("HostHeaderConfig: {Values: [b.test]}", "Values: ['*']")
        .replace(
            "Priority: !GetAtt Count.Next
      Conditions: [{Field: path-pattern, Values: [/late]}]",
            "Priority: 30
      Conditions: [{Field: path-pattern, Values: [/late]}, {Field: host-header, Values: [c.test]}]",
        );
    let plan = plan_of(&text).expect("AWS accepts it");
    let expected = (
        "Resources.Late.Properties.Conditions".to_owned(),
        "never matches: Resources.Second, which is tried first, matches all of its requests".to_owned(),
    );
    assert_eq!(plan.warnings, [expected]);
}

#[test]
fn what_is_not_simulated_is_listed() {
    let text = BASE
        .replace(
            "DefaultActions: [{",
            "DefaultActions: [{Type: authenticate-cognito, Order: 1, AuthenticateCognitoConfig: {UserPoolArn: a, \
             UserPoolClientId: b, UserPoolDomain: c}}, {Order: 2, ",
        )
        .replace(
            "Port: 80, Protocol: HTTP, VpcId",
            "TargetType: lambda, Port: 80, Protocol: HTTP, VpcId",
        )
        .replace(
            "LoadBalancers: [{",
            "LoadBalancers: [{LoadBalancerName: classic, ContainerName: web, ContainerPort: 8080}, {",
        );
    let text = text
        + "
  Classic: {Type: AWS::ElasticLoadBalancing::LoadBalancer}
  Unheard: {Type: AWS::ElasticLoadBalancingV2::LoadBalancer}
  Firewall: {Type: AWS::WAFv2::WebACLAssociation, Properties: {ResourceArn: !Ref Lb, WebACLArn: x}}
";
    let plan = plan_of(&text).expect("a plan");
    let listed: Vec<String> = plan
        .not_simulated
        .iter()
        .map(|(what, kind)| format!("{what} ({kind})"))
        .collect();
    for expected in [
        "Classic (AWS::ElasticLoadBalancing::LoadBalancer)",
        "Firewall (AWS::WAFv2::WebACLAssociation)",
        "demo-Unheard (load balancer without a listener)",
        "Resources.Listener.Properties.DefaultActions[0] (action authenticate-cognito: every caller passes)",
        "Resources.Web.Properties.TargetType (targets of the type lambda)",
        "Resources.Service.Properties.LoadBalancers[0] (classic load balancer)",
    ] {
        assert!(
            listed.iter().any(|line| line == expected),
            "no `{expected}` in {listed:#?}"
        );
    }
}

#[test]
fn certificates_have_the_names_that_their_clients_expect() {
    let text = BASE.replace(
        "Protocol: HTTP\n",
        "Protocol: HTTPS\n      Certificates: [{CertificateArn: !Ref Cert}]\n",
    ) + "
  Cert:
    Type: AWS::CertificateManager::Certificate
    Properties: {DomainName: shop.test, SubjectAlternativeNames: [www.shop.test]}
";
    let plan = plan_of(&text).expect("a plan");
    let uses = plan.certificate_uses();
    let (arn, certificate) = uses.certificates.first_key_value().expect("a certificate");
    assert!(arn.starts_with("arn:aws:certificatemanager:"), "{arn}");
    assert_eq!(certificate.source, Source::Arn);
    let names: Vec<&str> = certificate.host_names.iter().map(String::as_str).collect();
    let own = plan.load_balancers["demo-Lb"].dns_name.as_str();
    assert_eq!(names, ["b.test", own, "shop.test", "www.shop.test"]);
}

#[test]
fn attributes_of_target_groups_are_applied_or_noted() {
    let with = |attributes: &str| {
        BASE.replace(
            "HealthCheckPath: /health,",
            &format!("HealthCheckPath: /health, TargetGroupAttributes: [{attributes}],"),
        )
    };
    let slow = "{Key: slow_start.duration_seconds, Value: '30'}";
    let plan = plan_of(&with(slow)).expect("a plan");
    let group = plan.target_groups.values().next().expect("a target group");
    assert_eq!(group.slow_start, Some(Duration::from_secs(30)));
    let error = plan_of(&with(&slow.replace("30", "10"))).expect_err("too short");
    assert!(
        error.contains("TargetGroupAttributes[0].Value: is `10`; allowed is 30 to 900, or 0 for none"),
        "{error}"
    );
    let cookie = "{Key: stickiness.enabled, Value: 'true'}, {Key: stickiness.type, Value: app_cookie}, \
                  {Key: stickiness.app_cookie.cookie_name, Value: session}";
    let plan = plan_of(&with(cookie)).expect("a plan");
    let note = "a client stays at a target from its first response on, whether that sets the cookie `session` or not";
    assert!(
        plan.assumed.iter().any(|(_, assumed)| assumed == note),
        "{:?}",
        plan.assumed
    );
}

#[test]
fn the_udp_half_of_a_listener_is_noted() {
    let text = BASE
        .replace(
            "Properties: {Subnets: [!ImportValue 'net:A']}",
            "Properties: {Type: network}",
        )
        .replace("Protocol: HTTP\n", "Protocol: TCP_UDP\n");
    let only = text.find("  Late:").zip(text.find("  Web:")).expect("rules");
    let text = format!("{}{}", &text[..only.0], &text[only.1..]);
    let plan = plan_of(&text).expect("a plan");
    let noted = (
        "Resources.Listener.Properties.Protocol".to_owned(),
        "UDP of the listener: TCP is served".to_owned(),
    );
    assert!(plan.not_simulated.contains(&noted), "{:?}", plan.not_simulated);
}
