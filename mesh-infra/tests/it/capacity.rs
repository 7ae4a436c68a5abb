//! Capacity of services: autoscaling, capacity providers, and processor architectures.

use mesh_infra::{
    Autoscaling, CapacityProvider, Cluster, ControlPlane, CpuArchitecture, Listener, LoadBalancer, Mesh, NetworkHandle,
    PrivateDnsNamespace, PrivateEgress, Service, Stack, TaskDefinition, Template, VirtualGateway, Vpc,
};
use serde_json::{Value as Json, json};

use crate::deployable::app;

/// A service in private subnets, with a cluster of these capacity providers.
fn stack_with(providers: &[&str], change: impl FnOnce(&mut Stack, &NetworkHandle, Service) -> Service) -> Stack {
    let mut stack = Stack::new("demo");
    let network = stack.add("Vpc", Vpc::new().with_private_subnets(PrivateEgress::NatGateway));
    let cluster = match providers {
        [] => Cluster::new(),
        providers => Cluster::new().with_capacity_providers(providers.iter().copied()),
    };
    let cluster = stack.add("Cluster", cluster);
    let service = Service::new(&cluster, TaskDefinition::new(app(3000))).with_network(&network);
    let service = change(&mut stack, &network, service);
    stack.add("app", service);
    stack
}

fn template(stack: &Stack) -> Template {
    let template = stack.synth().unwrap_or_else(|errors| panic!("{errors}"));
    accepted_by_cfn_lint(&template);
    template
}

fn accepted_by_cfn_lint(template: &Template) {
    let workdir = testkit::Workdir::new();
    let file = workdir.file("template.json", &template.to_json());
    let mut lint = testkit::python_tools().cfn_lint();
    let output = lint.arg("--").arg(file).output().expect("cfn-lint starts");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.is_empty(), "{}: {text}", output.status);
}

fn errors(stack: &Stack) -> String {
    stack.synth().unwrap_err().to_string()
}

fn properties<'t>(template: &'t Template, id: &str) -> &'t Json {
    &template.resources[id].properties
}

#[test]
fn a_service_scales_with_cpu_memory_and_requests() {
    let stack = stack_with(&[], |stack, network, service| {
        let entrance = stack.add("Entrance", LoadBalancer::application(network, 3000));
        let scaling = Autoscaling::new(2, 10)
            .with_cpu_target(60)
            .with_memory_target(70)
            .with_requests_target(1000);
        service.with_load_balancer(&entrance).with_autoscaling(scaling)
    });
    let template = template(&stack);
    // A count in the template would reset the number of tasks with each deployment.
    assert_eq!(properties(&template, "AppService").get("DesiredCount"), None);
    assert_eq!(
        *properties(&template, "AppScalableTarget"),
        json!({
            "ServiceNamespace": "ecs",
            "ResourceId": {"Fn::Sub": "service/${Cluster}/${AppService.Name}"},
            "ScalableDimension": "ecs:service:DesiredCount",
            "MinCapacity": 2,
            "MaxCapacity": 10
        })
    );
    for (id, metric, target) in [
        ("AppCpuScalingPolicy", "ECSServiceAverageCPUUtilization", 60),
        ("AppMemoryScalingPolicy", "ECSServiceAverageMemoryUtilization", 70),
        ("AppRequestScalingPolicy", "ALBRequestCountPerTarget", 1000),
    ] {
        let tracking = &properties(&template, id)["TargetTrackingScalingPolicyConfiguration"];
        assert_eq!(tracking["TargetValue"], json!(target));
        assert_eq!(
            tracking["PredefinedMetricSpecification"]["PredefinedMetricType"],
            metric
        );
    }
    let requests = &properties(&template, "AppRequestScalingPolicy")["TargetTrackingScalingPolicyConfiguration"];
    assert_eq!(
        requests["PredefinedMetricSpecification"]["ResourceLabel"],
        json!({"Fn::Sub":
            "${EntranceLoadBalancer.LoadBalancerFullName}/${EntranceTargetGroup.TargetGroupFullName}"})
    );
}

#[test]
fn autoscaling_that_cannot_work_is_reported() {
    let stack = stack_with(&[], |stack, network, service| {
        let entrance = stack.add("Entrance", LoadBalancer::network(network, 3000));
        let scaling = Autoscaling::new(3, 2).with_cpu_target(0).with_requests_target(10);
        service
            .with_load_balancer(&entrance)
            .with_desired_count(2)
            .with_autoscaling(scaling)
    });
    assert_eq!(
        errors(&stack),
        "Resources.AppService.Properties.DesiredCount: is set, but autoscaling decides it, and each deployment would reset \
         it; remove Service::with_desired_count or Service::with_autoscaling\n\
         Resources.AppScalableTarget.Properties.MinCapacity: is 3; the maximum is 2, which is lower\n\
         Resources.AppScalableTarget.Properties.ScalableDimension: has the target 0 for \
         ECSServiceAverageCPUUtilization; allowed is 1 to 100\n\
         Resources.AppRequestScalingPolicy: follow requests, which only an application load balancer counts; add one by \
         Service::with_load_balancer, or follow CPU or memory"
    );
    let stack = stack_with(&[], |_, _, service| service.with_autoscaling(Autoscaling::new(1, 2)));
    assert_eq!(
        errors(&stack),
        "Resources.AppScalableTarget.Properties.ScalableDimension: follows no metric; add Autoscaling::with_cpu_target, \
         with_memory_target or with_requests_target"
    );
}

#[test]
fn tasks_run_on_spot_beyond_a_base_on_fargate() {
    let providers = [CapacityProvider::FARGATE, CapacityProvider::FARGATE_SPOT];
    let stack = stack_with(&providers, |_, _, service| {
        service.with_capacity_providers([
            CapacityProvider::fargate().with_base(2).with_weight(1),
            CapacityProvider::fargate_spot().with_weight(3),
        ])
    });
    let template = template(&stack);
    let service = properties(&template, "AppService");
    assert_eq!(service.get("LaunchType"), None);
    assert_eq!(
        service["CapacityProviderStrategy"],
        json!([
            {"CapacityProvider": "FARGATE", "Base": 2, "Weight": 1},
            {"CapacityProvider": "FARGATE_SPOT", "Weight": 3}
        ])
    );
}

#[test]
fn tasks_run_on_ec2_instances() {
    let stack = stack_with(&["machines"], |_, _, service| {
        service.with_capacity_providers([CapacityProvider::ec2("machines")])
    });
    let template = template(&stack);
    assert_eq!(
        properties(&template, "AppTaskDefinition")["RequiresCompatibilities"],
        json!(["EC2"])
    );
}

#[test]
fn capacity_that_the_cluster_lacks_or_ecs_rejects_is_reported() {
    let stack = stack_with(&["FARGATE"], |_, _, service| {
        service.with_capacity_providers([CapacityProvider::fargate_spot()])
    });
    assert_eq!(
        errors(&stack),
        "Resources.AppService.Properties.CapacityProviderStrategy[0].CapacityProvider: is `FARGATE_SPOT`, which the cluster \
         does not have; add it by Cluster::with_capacity_providers, which has FARGATE"
    );
    let mut stack = Stack::new("demo");
    let network = stack.add("Vpc", Vpc::new());
    let cluster = stack.add(
        "Cluster",
        Cluster::new().with_capacity_providers(["FARGATE", "machines"]),
    );
    let service = Service::new(&cluster, TaskDefinition::new(app(3000)))
        .with_network(&network)
        .with_capacity_providers([CapacityProvider::fargate(), CapacityProvider::ec2("machines")]);
    stack.add("app", service);
    assert_eq!(
        errors(&stack),
        "Resources.AppService.Properties.CapacityProviderStrategy: mixes providers of Fargate and of EC2, which ECS does \
         not allow; use providers of one kind\n\
         Resources.AppService.Properties.NetworkConfiguration: gives tasks public addresses, which they cannot have on EC2, \
         so that they could not call AWS; use Vpc::with_private_subnets, or a Network without public addresses"
    );
}

#[test]
fn every_service_can_run_on_graviton() {
    let mut stack = Stack::new("mesh");
    let network = stack.add("Vpc", Vpc::new());
    let cluster = stack.add("Cluster", Cluster::new());
    let namespace = stack.add("Namespace", PrivateDnsNamespace::new("appmesh", &network));
    let control_plane = ControlPlane::new("demo", &cluster, &network, &namespace);
    let control_plane = control_plane.with_cpu_architecture(CpuArchitecture::Arm64);
    let control_plane = stack.add("ControlPlane", control_plane);
    let mesh = stack.add("Mesh", Mesh::new("demo").with_control_plane(&control_plane));
    let door = VirtualGateway::new(&mesh, "door").with_listener(Listener::http(9080));
    let door = stack.add("door", door);
    let gateway = Service::gateway(&cluster, &door).with_network(&network);
    stack.add("door", gateway.with_cpu_architecture(CpuArchitecture::Arm64));
    let template = template(&stack);
    for id in ["ControlPlaneTaskDefinition", "DoorTaskDefinition"] {
        assert_eq!(
            properties(&template, id)["RuntimePlatform"],
            json!({"CpuArchitecture": "ARM64", "OperatingSystemFamily": "LINUX"}),
            "{id}"
        );
    }
}
