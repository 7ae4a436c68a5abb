//! The options of a generated stack.

use mesh_infra::{
    AccessPoint, AppMeshApi, Autoscaling, Cluster, ConfigurationStore, Container, ControlPlane, EcrImage,
    EcrRepository, EfsVolume, FileSystem, HealthCheck, Listener, LoadBalancer, LogDriver, LogRouter, Mesh, Monitoring,
    OtelCollector, ParameterGuard, PortMapping, PrivateDnsNamespace, PrivateEgress, Secret, Service, Stack,
    TaskDefinition, VirtualGateway, VirtualNode, Vpc,
};

const SECRET: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf";
const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const CERTIFICATE: &str = "arn:aws:acm:us-east-1:123456789012:certificate/1234abcd-12ab-34cd-56ef-1234567890ab";

/// Which options a stack has.
macro_rules! options {
    ($($option:ident),* $(,)?) => {
        #[derive(Debug, Clone, Copy, Default)]
        pub(crate) struct Options {
            $(pub(crate) $option: bool,)*
        }

        impl Options {
            /// One bit for each option.
            pub(crate) fn from_bits(mut bits: u32) -> Self {
                let mut next = || {
                    let bit = bits & 1 == 1;
                    bits >>= 1;
                    bit
                };
                Self { $($option: next(),)* }
            }
        }
    };
}

options! {
    mesh,
    private_subnets,
    endpoints,
    application_load_balancer,
    certificate,
    dual_stack,
    autoscaling,
    secrets,
    kms_keys,
    log_options,
    log_router,
    scratch,
    rights,
    exec,
    file_system,
    access_point,
    read_only_volume,
    collector,
    monitoring,
    repository,
    guard,
    organization,
    tags,
    app_mesh_api,
    configuration_store,
}

impl Options {
    /// The stack: a service behind a load balancer, which is a virtual node of a mesh with a gateway if it has one.
    pub(crate) fn stack(&self) -> Stack {
        let mut stack = self.empty_stack();
        let mut vpc = Vpc::new();
        if self.private_subnets {
            vpc = vpc.with_private_subnets(match self.endpoints {
                true => PrivateEgress::VpcEndpoints,
                false => PrivateEgress::NatGateway,
            });
        }
        if self.dual_stack {
            vpc = vpc.with_ipv6();
        }
        let network = stack.add("Vpc", vpc);
        let cluster = stack.add("Cluster", Cluster::new());
        let task = self.task(&mut stack, &network);
        let entrance = stack.add("Entrance", self.load_balancer(&network));
        let mut service = Service::new(&cluster, task)
            .with_network(&network)
            .with_load_balancer(&entrance);
        if self.autoscaling {
            service = service.with_autoscaling(Autoscaling::new(2, 8).with_cpu_target(60));
        }
        if self.exec {
            service = service.with_execute_command();
        }
        let mut monitoring = Monitoring::new().with_load_balancer(&entrance);
        if self.mesh {
            let namespace = stack.add("Namespace", PrivateDnsNamespace::new("shop", &network));
            let mut control_plane = ControlPlane::new("shop", &cluster, &network, &namespace);
            if self.app_mesh_api {
                let mut api = AppMeshApi::new(SECRET).with_mesh("scripts");
                if self.kms_keys {
                    api = api.with_kms_key_arn(KEY);
                }
                control_plane = control_plane.with_app_mesh_api(api);
            }
            if self.configuration_store {
                let key = Secret::secrets_manager(SECRET);
                let store = ConfigurationStore::new(key, "-----BEGIN PUBLIC KEY-----");
                control_plane = control_plane.with_configuration_store(store);
            }
            let control_plane = stack.add("ControlPlane", control_plane);
            let mesh = stack.add("Mesh", Mesh::new("shop").with_control_plane(&control_plane));
            let node = VirtualNode::new(&mesh, "app")
                .with_listener(Listener::http(8080))
                .with_dns_endpoints(namespace.dns_name("app"));
            let node = stack.add("app", node);
            let gateway = VirtualGateway::new(&mesh, "door").with_listener(Listener::http(9080));
            let gateway = stack.add("door", gateway);
            stack.add("door", Service::gateway(&cluster, &gateway).with_network(&network));
            service = service
                .with_name("app")
                .with_virtual_node(&node)
                .with_service_discovery(&namespace);
            monitoring = monitoring.with_control_plane(&control_plane);
        }
        let service = stack.add("app", service);
        if self.monitoring {
            let monitoring = monitoring
                .with_service(&service)
                .with_topic_arn("arn:aws:sns:us-east-1:123456789012:alarms");
            stack.add("Watch", monitoring);
        }
        stack
    }

    /// The stack with what it has as a whole.
    fn empty_stack(&self) -> Stack {
        let mut stack = Stack::new("shop");
        if self.organization {
            stack = stack
                .with_permission_boundary("arn:aws:iam::123456789012:policy/Boundary")
                .with_role_path("/mesh/")
                .with_role_name_prefix("mesh-");
        }
        if self.tags {
            stack = stack.with_tag("team", "shop").with_tag("cost-center", "1234");
        }
        if self.repository {
            let repository = EcrRepository::new("team/app").with_max_images(50);
            let repository = if self.kms_keys {
                repository.with_kms_key_arn(KEY)
            } else {
                repository
            };
            stack.add("app", repository);
        }
        if self.guard {
            stack.add(
                "guard",
                ParameterGuard::new(["arn:aws:iam::123456789012:role/deployer"]),
            );
        }
        stack
    }

    fn load_balancer(&self, network: &mesh_infra::NetworkHandle) -> LoadBalancer {
        let mut entrance = match self.application_load_balancer {
            true => LoadBalancer::application(network, 8080).with_health_check_path("/health"),
            false => LoadBalancer::network(network, 8080),
        };
        if self.certificate {
            entrance = entrance.with_certificate_arn(CERTIFICATE);
        }
        if self.dual_stack {
            entrance = entrance.with_dual_stack();
        }
        entrance
    }

    fn task(&self, stack: &mut Stack, network: &mesh_infra::NetworkHandle) -> TaskDefinition {
        let http = PortMapping::new("http", 8080).with_port_variable("PORT");
        let mut app = Container::new("app", EcrImage::new("team/app").with_tag("1"))
            .with_port(http)
            .with_health_check(HealthCheck::command(["app", "health"]));
        if self.secrets {
            let secret = Secret::secrets_manager(SECRET);
            let secret = if self.kms_keys {
                secret.with_kms_key_arn(KEY)
            } else {
                secret
            };
            app = app
                .with_secret("DB_PASSWORD", secret.with_json_key("password"))
                .with_secret("TOKEN", Secret::ssm_parameter("/team/token"));
        }
        if self.log_options {
            app = app.with_log_driver(LogDriver::awslogs().with_option("mode", "non-blocking"));
        }
        if self.scratch {
            app = app.with_writable_directory("/tmp");
        }
        if self.rights {
            app = app.with_writable_root_filesystem().with_default_capabilities();
        }
        if self.file_system {
            let files = FileSystem::new(network);
            let files = if self.kms_keys { files.with_kms_key(KEY) } else { files };
            let files = stack.add("files", files);
            let volume = match self.access_point {
                true => EfsVolume::of_access_point("data", &stack.add("data", AccessPoint::new(&files, "/data"))),
                false => EfsVolume::new("data", &files).with_root_access(),
            };
            let volume = if self.read_only_volume {
                volume.with_read_only()
            } else {
                volume
            };
            app = app.with_efs_volume(&volume, "/data");
        }
        let mut task = TaskDefinition::new(app);
        if self.log_router {
            let output = LogDriver::firelens()
                .with_option("Name", "firehose")
                .with_option("delivery_stream", "logs");
            let stream = "arn:aws:firehose:us-east-1:123456789012:deliverystream/logs";
            task = task
                .with_log_router(LogRouter::new().with_default(output))
                .with_task_permission(["firehose:PutRecordBatch"], [stream]);
        }
        if self.collector {
            task = task.with_otel_collector(OtelCollector::new());
        }
        task
    }
}
