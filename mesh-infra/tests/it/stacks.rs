//! Apps of several stacks: references between them, order, checks across stacks, quotas, size.

use cfn::{StackImport, Template};
use indexmap::IndexMap;
use mesh_infra::app_mesh::Protocol;
use mesh_infra::{
    App, AppProtocol, Cluster, Container, ControlPlane, EcrImage, HttpRoute, Listener, LoadBalancer, Mesh,
    MeshEncoding, MeshHandle, Network, Output, Parameter, PortMapping, PrivateDnsNamespace, PrivateDnsNamespaceHandle,
    Resource, Service, Stack, TaskDefinition, Value, VirtualNode, VirtualNodeHandle, VirtualRouter, VirtualService,
    Vpc,
};
use serde_json::json;

struct Base {
    stack: Stack,
    network: mesh_infra::NetworkHandle,
    cluster: mesh_infra::ClusterHandle,
    namespace: PrivateDnsNamespaceHandle,
    mesh: MeshHandle,
}

/// Network, cluster, control plane and mesh.
fn base() -> Base {
    let mut stack = Stack::new("base-stack");
    let network = stack.add("Vpc", Vpc::new());
    let cluster = stack.add("Cluster", Cluster::new());
    let namespace = stack.add("Namespace", PrivateDnsNamespace::new("demo", &network));
    let control_plane = stack.add(
        "ControlPlane",
        ControlPlane::new("demo", &cluster, &network, &namespace),
    );
    let mesh = stack.add("Mesh", Mesh::new("demo").with_control_plane(&control_plane));
    Base {
        stack,
        network,
        cluster,
        namespace,
        mesh,
    }
}

fn task() -> TaskDefinition {
    let http = PortMapping::new("http", 80)
        .with_app_protocol(AppProtocol::Http)
        .with_port_variable("PORT");
    TaskDefinition::new(Container::new("app", EcrImage::new("team/app")).with_port(http))
}

fn add_service(stack: &mut Stack, base: &Base, name: &str) -> VirtualNodeHandle {
    let node = VirtualNode::new(&base.mesh, name)
        .with_listener(Listener::http(80))
        .with_dns_endpoints(base.namespace.dns_name(name));
    let node = stack.add(name, node);
    let service = Service::new(&base.cluster, task())
        .with_name(name)
        .with_network(&base.network)
        .with_virtual_node(&node)
        .with_service_discovery(&base.namespace);
    stack.add(name, service);
    node
}

fn synth(app: &App) -> IndexMap<String, Template> {
    app.synth().unwrap_or_else(|errors| panic!("{errors}"))
}

fn errors(app: &App) -> String {
    app.synth().expect_err("errors").to_string()
}

#[test]
fn handles_of_another_stack_become_outputs_parameters_and_names() {
    let base = base();
    let mut services = Stack::new("services");
    let blue = add_service(&mut services, &base, "blue");
    let mut routes = Stack::new("routes");
    let router = VirtualRouter::new(&base.mesh, "split").with_listener(80, Protocol::Http);
    let router = routes.add("split", router);
    routes.add(
        "all",
        HttpRoute::new(&router, "all").with_prefix("/").with_target(&blue, 1),
    );
    routes.add(
        "split",
        VirtualService::new(&base.mesh, "split.demo").with_provider_router(&router),
    );
    // In the wrong order.
    let app = App::new("demo")
        .with_stack(routes)
        .with_stack(services)
        .with_stack(base.stack);
    let templates = synth(&app);
    let names: Vec<_> = templates.keys().collect();
    assert_eq!(names, ["base-stack", "services", "routes"]);

    let services = &templates["services"];
    let parameters: Vec<_> = services.parameters.keys().collect();
    assert_eq!(
        parameters,
        [
            "BaseStackNamespace",
            "BaseStackCluster",
            "BaseStackPublicSubnet1",
            "BaseStackPublicSubnet2",
            "BaseStackMembersSecurityGroupGroupId",
            "BaseStackTasksSecurityGroupGroupId",
        ]
    );
    assert_eq!(
        services.stack_imports()[1],
        StackImport {
            parameter: "BaseStackCluster".to_owned(),
            stack: "base-stack".to_owned(),
            output: "SharedCluster".to_owned()
        }
    );
    assert_eq!(
        services.resources["BlueService"].properties["Cluster"],
        json!({"Ref": "BaseStackCluster"})
    );
    let depends_on = &services.resources["BlueService"].depends_on;
    assert_eq!(
        *depends_on,
        ["BlueVirtualNode"],
        "resources of other stacks exist already"
    );
    let output = &templates["base-stack"].outputs["SharedMembersSecurityGroupGroupId"];
    assert_eq!(output.value, json!({"Fn::GetAtt": ["MembersSecurityGroup", "GroupId"]}));
    assert_eq!(output.export, None, "an export could not change while it is imported");

    // Names of mesh resources are known, in either encoding.
    let node = &services.resources["BlueVirtualNode"].properties["Name"];
    assert_eq!(node, "/meshwright/demo/virtualNode/blue");
    assert!(templates["routes"].parameters.is_empty());
    let own_types = app.synth_as(MeshEncoding::AppMesh).expect("templates");
    assert_eq!(
        own_types["services"].resources["BlueVirtualNode"].properties["MeshName"],
        "demo"
    );
    for (name, template) in &templates {
        assert!(
            !template.to_json().contains("-stack/") && !template.to_json().contains("services/"),
            "{name}"
        );
        mesh_infra::check(template).unwrap_or_else(|errors| panic!("{name}: {errors}"));
    }
}

#[test]
fn lists_and_expressions_cross_stacks() {
    let mut one = Stack::new("one");
    let network = one.add("Network", Network::from_parameters());
    let name = one.add("Name", Parameter::new("String").with_default("x"));
    let topic = one.add("Topic", Resource::new("AWS::SNS::Topic", json!({})));
    let mut two = Stack::new("two");
    let cluster = two.add("Cluster", Cluster::new());
    two.add("app", Service::new(&cluster, task()).with_network(&network));
    let arn: Value<String> = topic.attribute("TopicArn");
    let text = json!({"Fn::Sub": ["${Local}", {"Local": name.value::<String>().to_json()}]});
    two.add("Raw", Resource::new("T", json!({"Arn": arn.to_json(), "Text": text})));
    two.add("Topic", Output::new(topic.reference::<String>()));
    let templates = synth(&App::new("app").with_stack(one).with_stack(two));
    let (one, two) = (&templates["one"], &templates["two"]);
    assert_eq!(
        one.outputs["SharedNetworkSubnets"].value,
        json!({"Fn::Join": [",", {"Ref": "NetworkSubnets"}]})
    );
    assert_eq!(two.parameters["OneNetworkSubnets"].kind, "List<AWS::EC2::Subnet::Id>");
    assert_eq!(
        two.resources["AppService"].properties["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"],
        json!({"Ref": "OneNetworkSubnets"})
    );
    assert_eq!(
        two.resources["Raw"].properties,
        json!({
            "Arn": {"Ref": "OneTopicTopicArn"},
            "Text": {"Fn::Sub": ["${Local}", {"Local": {"Ref": "OneName"}}]}
        })
    );
    assert_eq!(two.outputs["Topic"].value, json!({"Ref": "OneTopic"}));
}

#[test]
fn what_cannot_cross_stacks_is_reported() {
    let mut one = Stack::new("one");
    let mut secret = Parameter::new("String");
    secret.other.insert("NoEcho".to_owned(), json!(true));
    let secret = one.add("Secret", secret);
    let topic = one.add("Topic", Resource::new("AWS::SNS::Topic", json!({})));
    let mut two = Stack::new("two");
    two.add(
        "Raw",
        Resource::new("T", json!({"A": secret.value::<String>().to_json()})),
    );
    two.add(
        "OneTopic",
        Resource::new("T", json!({"A": topic.reference::<String>().to_json()})),
    );
    let gone = Stack::new("gone").add("X", Resource::new("T", json!({})));
    two.add(
        "Lost",
        Resource::new("T", json!({"A": gone.reference::<String>().to_json()})),
    );
    assert_eq!(
        errors(&App::new("app").with_stack(one).with_stack(two)),
        "two.Resources.Lost.Properties.A: refers to `X` of stack `gone`, which is not in the same app; add both stacks to one \
         App\n\
         two.Resources.Raw.Properties.A: refers to the NoEcho parameter `Secret` of stack `one`, whose value an output would \
         show; add a parameter to this stack\n\
         two.Parameters.OneTopic: is needed for a value from stack `one`; use another id"
    );
}

#[test]
fn cycles_of_stacks_are_reported() {
    let mut one = Stack::new("one");
    let mut two = Stack::new("two");
    let a = one.add("A", Resource::new("T", json!({})));
    let b = two.add("B", Resource::new("T", json!({"A": a.reference::<String>().to_json()})));
    one.add("C", Resource::new("T", json!({"B": b.reference::<String>().to_json()})));
    assert_eq!(
        errors(&App::new("app").with_stack(one).with_stack(two)),
        "one: uses handles of stacks that use its own: one uses two uses one; move what both need to a stack of its own, or \
         refer to services and virtual nodes by name"
    );
}

#[test]
fn checks_see_all_stacks() {
    // A load balancer that forwards to a port that its tasks in another stack do not have.
    let base = base();
    let mut entrance = Stack::new("entrance");
    let load_balancer = entrance.add("Entrance", LoadBalancer::network(&base.network, 80));
    let mut services = Stack::new("services");
    let service = Service::new(&base.cluster, task())
        .with_network(&base.network)
        .with_load_balancer(&load_balancer);
    services.add("blue", service);
    // What the load balancer's group allows is in another stack than the service.
    let group = "EntranceLoadBalancerSecurityGroup";
    let elsewhere = json!([{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "CidrIp": "192.0.2.0/24"}]);
    entrance.override_property(group, "SecurityGroupEgress", elsewhere);
    // A backend that no stack has: only the app knows that it does not exist.
    let lost = VirtualNode::new(&base.mesh, "lost").with_backend("nowhere.demo");
    services.add("lost", lost);
    let app = App::new("app")
        .with_stack(base.stack)
        .with_stack(entrance)
        .with_stack(services);
    let found = errors(&app);
    let expected = "entrance.Resources.EntranceLoadBalancer.Properties.SecurityGroups: allow no egress to the tasks of \
                    `services/BlueService` on TCP port 80";
    assert!(found.contains(expected), "{found}");
    assert!(found.contains("nowhere.demo"), "{found}");
}

#[test]
fn a_stack_over_the_quotas_is_reported_with_the_way_out() {
    let mut stack = Stack::new("big");
    for index in 0..501 {
        stack.add(&format!("R{index}"), Resource::new("T", json!({})));
    }
    assert_eq!(
        stack.synth().unwrap_err().to_string(),
        "Resources: has 501 entries, and CloudFormation allows 500 in a stack; divide it into several stacks of one App, whose \
         constructs may use each other's handles"
    );
}

#[test]
fn envoys_share_the_text_that_they_have_in_common() {
    let bytes = |services: usize| {
        let mut base = base();
        let mut stack = std::mem::replace(&mut base.stack, Stack::new("unused"));
        for index in 0..services {
            add_service(&mut stack, &base, &format!("service-{index}"));
        }
        let template = stack.synth().unwrap_or_else(|errors| panic!("{errors}"));
        (template.to_compact_json().len(), template)
    };
    let ((two, _), (three, template)) = (bytes(2), bytes(3));
    let per_service = three - two;
    assert!(per_service < 5_500, "{per_service} bytes for a service");
    let command = &template.resources["Service0TaskDefinition"].properties["ContainerDefinitions"][1]["Command"];
    let shared = json!({"Fn::FindInMap": ["MeshwrightEnvoy", "Bootstrap", "Shared1"]});
    assert_eq!(command[1]["Fn::Join"][1][1], shared);
    // One Envoy has nothing to share.
    assert!(bytes(1).1.mappings.is_empty());
    // What ECS receives is a bootstrap.
    let evaluator = cfn::evaluate::Evaluator::new(&template, cfn::evaluate::NothingKnown);
    let evaluated = evaluator.evaluate(command);
    let text = evaluated.known().expect("a known command")[1].as_str().expect("a text");
    let bootstrap: serde_json::Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(bootstrap["node"]["id"], "mesh/demo/virtualNode/service-0");
    assert_eq!(
        bootstrap["stats_config"]["stats_tags"].as_array().map(Vec::len),
        Some(4)
    );
}
