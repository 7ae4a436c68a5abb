//! ECS: clusters, services, task definitions and their containers.

use super::{Module, structs};

pub(super) const MODULE: Module = Module {
    name: "ecs",
    hand_written: &[
        // `mesh_model::service_connect` reads, validates and writes it, with the key casing of the ECS API.
        (
            "AWS::ECS::Service.ServiceConnectConfiguration",
            "ServiceConnectConfiguration",
        ),
    ],
    structs: structs! {
        /// A group of services and tasks.
        ///
        /// `Ref` returns the cluster's name. `Fn::GetAtt` supports `Arn`.
        Cluster = "AWS::ECS::Cluster" {
            /// The name. Default, decided by CloudFormation: stack name, logical id and a random part.
            ClusterName,
            /// The capacity providers that its services can use: `FARGATE`, `FARGATE_SPOT`, and those of Auto Scaling
            /// groups by name.
            CapacityProviders,
            /// Defaults of services without a Service Connect namespace. Default: none.
            ServiceConnectDefaults,
        }

        /// The Service Connect namespace of services that do not specify one.
        ServiceConnectDefaults = "AWS::ECS::Cluster.ServiceConnectDefaults" {
            /// A Cloud Map namespace by name or ARN. ECS creates an HTTP namespace of that name if there is none, which
            /// is not deleted with the stack.
            Namespace,
        }

        /// Keeps a number of tasks of a task definition running.
        ///
        /// `Ref` returns the service's ARN. `Fn::GetAtt` supports `Name` and `ServiceArn`.
        Service = "AWS::ECS::Service" {
            /// The name, unique in the cluster. Default, decided by CloudFormation: stack name, logical id and a random
            /// part.
            ServiceName,
            /// The cluster, by name or ARN. Default, decided by ECS: the cluster named `default`.
            Cluster,
            /// The task definition, by ARN or `family:revision`.
            TaskDefinition,
            /// The number of tasks to keep running. Default, decided by CloudFormation: 1.
            DesiredCount,
            /// Where tasks run. Default, decided by ECS: the cluster's capacity provider strategy.
            LaunchType,
            /// The capacity providers of its tasks, in place of `LaunchType`: at most 20.
            CapacityProviderStrategy,
            /// Subnets and security groups of the tasks. Required for task definitions in `awsvpc` mode.
            NetworkConfiguration,
            /// The Service Connect configuration. Default: none.
            ServiceConnectConfiguration,
            /// The Cloud Map service in which ECS registers the tasks: at most one. Default: none.
            ServiceRegistries,
            /// The target groups in which ECS registers the tasks, at most five. Default: none. Replaced when changed,
            /// in most cases.
            LoadBalancers,
            /// Seconds after a task's start during which failed load balancer checks are ignored. Default, decided by
            /// ECS: 0.
            HealthCheckGracePeriodSeconds,
            /// How new tasks replace old ones. Default, decided by ECS for each field.
            DeploymentConfiguration,
            /// Whether commands can be run in its containers by ECS Exec. Default, decided by ECS: false.
            EnableExecuteCommand,
            /// Whether its tasks get tags with the names of cluster and service. Default, decided by ECS: false.
            EnableECSManagedTags,
            /// Where its tasks get tags from. Default, decided by ECS: from nowhere.
            PropagateTags,
        }

        /// A share of a service's tasks on one capacity provider.
        CapacityProviderStrategyItem = "AWS::ECS::Service.CapacityProviderStrategyItem" {
            // ECS rejects an item without a provider.
            /// `FARGATE`, `FARGATE_SPOT`, or a name.
            CapacityProvider.required,
            /// The number of tasks that run on it first, in at most one item. Default, decided by ECS: 0.
            Base,
            /// Its share of the other tasks, relative to the other items, 0 to 1000. Default, decided by CloudFormation:
            /// 0, for none.
            Weight,
        }

        /// A Cloud Map service in which ECS registers tasks.
        ServiceRegistry = "AWS::ECS::Service.ServiceRegistry" {
            /// The Cloud Map service's ARN.
            RegistryArn,
            /// The port in `SRV` records, for tasks in `awsvpc` mode.
            Port,
            /// The container whose port is in `SRV` records.
            ContainerName,
            /// The port of this container.
            ContainerPort,
        }

        /// A target group in which ECS registers tasks.
        LoadBalancer = "AWS::ECS::Service.LoadBalancer" {
            /// The container.
            ContainerName,
            /// Its port, one of its port mappings.
            ContainerPort,
            /// The target group's ARN.
            TargetGroupArn,
        }

        /// The network configuration of tasks.
        NetworkConfiguration = "AWS::ECS::Service.NetworkConfiguration" {
            /// For task definitions in `awsvpc` mode.
            AwsvpcConfiguration,
        }

        /// Subnets and security groups of the tasks' network interfaces.
        AwsvpcConfiguration = "AWS::ECS::Service.AwsVpcConfiguration" {
            /// Subnet ids, 1 to 16, all in one VPC.
            Subnets,
            /// Security group ids, at most 5. Default, decided by ECS: the VPC's default group.
            SecurityGroups,
            /// Whether the network interface has a public address. Default, decided by ECS: `DISABLED`.
            AssignPublicIp,
        }

        /// How new tasks replace old ones.
        DeploymentConfiguration = "AWS::ECS::Service.DeploymentConfiguration" {
            /// Upper limit of running tasks during a deployment, in percent of the desired count. Default, decided by
            /// ECS: 200.
            MaximumPercent,
            /// Lower limit of healthy tasks during a deployment, in percent of the desired count. Default, decided by
            /// ECS: 100.
            MinimumHealthyPercent,
            /// What happens if new tasks do not start. Default, decided by ECS: it retries.
            DeploymentCircuitBreaker,
        }

        /// What happens if the tasks of a deployment do not start.
        DeploymentCircuitBreaker = "AWS::ECS::Service.DeploymentCircuitBreaker" {
            /// Whether the deployment fails after too many tasks that do not start.
            Enable,
            /// Whether the service is then rolled back to its last completed deployment.
            Rollback,
        }

        /// Containers that run together as a task, and their resources.
        ///
        /// `Ref` returns the ARN with its revision. `Fn::GetAtt` supports `TaskDefinitionArn`. Every change of a
        /// property other than the tags creates a new revision, which CloudFormation treats as a replacement.
        TaskDefinition = "AWS::ECS::TaskDefinition" {
            /// The name of the family of revisions. Default, decided by CloudFormation: stack name, logical id and a
            /// random part.
            Family,
            /// The task's CPU: units (`256` is a quarter vCPU) or vCPUs (`.25 vCPU`). A string in CloudFormation.
            /// Required on Fargate.
            Cpu,
            /// The task's memory: MiB (`512`) or gigabytes (`0.5 GB`). A string in CloudFormation. Required on Fargate.
            Memory,
            /// The network mode. Default, decided by ECS: `bridge`. Fargate requires `awsvpc`.
            NetworkMode,
            /// Launch types to validate against.
            RequiresCompatibilities,
            /// The containers.
            ContainerDefinitions,
            /// The role with which ECS pulls images and writes logs. Default: none.
            ExecutionRoleArn,
            /// The role of the containers. Default: none.
            TaskRoleArn,
            /// CPU architecture and operating system. Default, decided by ECS: `X86_64` and `LINUX`.
            RuntimePlatform,
            /// The transparent proxy of the task. Default: none.
            ProxyConfiguration,
            /// Volumes that its containers can mount. Names are unique.
            Volumes,
        }

        /// A volume of a task: a directory of the task's ephemeral storage, or a file system.
        Volume = "AWS::ECS::TaskDefinition.Volume" {
            // Mount points refer to it.
            /// The name: at most 255 of `a-z A-Z 0-9 _ -`.
            Name.required,
            /// A file system of Amazon EFS. Default: ephemeral storage, which is empty when the task starts.
            EFSVolumeConfiguration,
        }

        /// A file system of Amazon EFS.
        EfsVolumeConfiguration = "AWS::ECS::TaskDefinition.EFSVolumeConfiguration" {
            /// Its id.
            FilesystemId,
            /// The directory that is mounted. With an access point, `/` or left out. Default, decided by ECS: `/`.
            RootDirectory,
            /// TLS between task and file system. Required for `IAM` and for an access point. Default, decided by ECS:
            /// `DISABLED`.
            TransitEncryption,
            /// The access point, and whether the task's role is checked.
            AuthorizationConfig,
        }

        /// The access of a task to a file system.
        AuthorizationConfig = "AWS::ECS::TaskDefinition.AuthorizationConfig" {
            /// The id of an access point. Default: none.
            AccessPointId,
            /// Whether the file system checks the task's role. Default, decided by ECS: `DISABLED`.
            IAM,
        }

        /// CPU architecture and operating system of a task.
        RuntimePlatform = "AWS::ECS::TaskDefinition.RuntimePlatform" {
            CpuArchitecture,
            OperatingSystemFamily,
        }

        /// The transparent proxy of a task: its container, and the connections that it intercepts.
        ProxyConfiguration = "AWS::ECS::TaskDefinition.ProxyConfiguration" {
            /// The type.
            Type,
            /// The container.
            ContainerName,
            /// `IgnoredUID` or `IgnoredGID`, `AppPorts`, `ProxyIngressPort`, `ProxyEgressPort`, `EgressIgnoredPorts` and
            /// `EgressIgnoredIPs`; lists are separated by commas.
            ProxyConfigurationProperties,
        }

        /// One container of a task.
        ContainerDefinition = "AWS::ECS::TaskDefinition.ContainerDefinition" {
            /// Its name, unique in the task.
            Name,
            /// The image, as `repository/name:tag` or `@digest`.
            Image,
            /// Whether the task stops when this container does. Default, decided by ECS: true.
            Essential,
            /// Replaces the image's entry point.
            EntryPoint,
            /// Replaces the image's command.
            Command,
            /// Directory in which the command starts. Default: the image's.
            WorkingDirectory,
            /// The user to run as, such as `1000` or `1000:1000`. Default: the image's.
            User,
            /// Whether the container cannot write to its root file system. Default, decided by ECS: false.
            ReadonlyRootFilesystem,
            /// Options of the Linux kernel, such as capabilities.
            LinuxParameters,
            /// Environment variables. Names are unique.
            Environment,
            /// Environment variables whose values ECS reads when the task starts. Names are unique, also among those of
            /// `Environment`.
            Secrets,
            /// Ports on which the container listens.
            PortMappings,
            /// Containers of the same task that must reach a condition before this one starts.
            DependsOn,
            /// The health check. Default: none.
            HealthCheck,
            /// Docker labels.
            DockerLabels,
            /// Seconds after which a dependency on this container fails. On Fargate 2 to 120; default, decided by ECS: 3
            /// minutes on Fargate.
            StartTimeout,
            /// Seconds between the stop signal and the kill. On Fargate at most 120; default, decided by ECS: 30.
            StopTimeout,
            /// The log driver: `LogDriver`, `Options`, `SecretOptions`.
            LogConfiguration,
            /// Makes it the log router of the task, for containers with the log driver `awsfirelens`.
            FirelensConfiguration,
            /// Volumes of the task that it mounts.
            MountPoints,
            /// Kernel parameters, for the whole task in `awsvpc` mode. Default, decided by ECS: none.
            SystemControls,
        }

        /// A secret value: of an environment variable, or of an option of a log driver.
        Secret = "AWS::ECS::TaskDefinition.Secret" {
            /// The name of the variable or option.
            Name,
            /// The ARN of a secret of Secrets Manager, with `:json-key:version-stage:version-id` if wanted, or the ARN of a
            /// parameter of Parameter Store.
            ValueFrom,
        }

        /// The log router of a task.
        FirelensConfiguration = "AWS::ECS::TaskDefinition.FirelensConfiguration" {
            // Required in the ECS API.
            /// The program.
            Type.required,
            /// `enable-ecs-log-metadata`, `config-file-type` and `config-file-value`. On Fargate, the type is `file`.
            Options,
        }

        /// A volume at a path of a container.
        MountPoint = "AWS::ECS::TaskDefinition.MountPoint" {
            // ECS rejects a mount point without both.
            /// The volume's name.
            SourceVolume.required,
            /// The path in the container.
            ContainerPath.required,
            /// Whether the container cannot write to it. Default, decided by ECS: false.
            ReadOnly,
        }

        /// Options of the Linux kernel for a container.
        LinuxParameters = "AWS::ECS::TaskDefinition.LinuxParameters" {
            /// The Linux capabilities that are added to those of Docker, or dropped.
            Capabilities,
            /// Whether an init process forwards signals and reaps processes. Default, decided by ECS: false.
            InitProcessEnabled,
        }

        /// Linux capabilities, relative to Docker's default ones.
        KernelCapabilities = "AWS::ECS::TaskDefinition.KernelCapabilities" {
            /// Added ones. Fargate allows `SYS_PTRACE` alone.
            ///
            /// Source: ECS API reference, `KernelCapabilities` (read 2026-11-30).
            Add,
            /// Dropped ones; `ALL` leaves those in `Add`.
            Drop,
        }

        /// A name and a value, such as an environment variable.
        KeyValuePair = "AWS::ECS::TaskDefinition.KeyValuePair" {
            // ECS rejects a variable without a name or a value.
            /// Its name.
            Name.required,
            /// Its value.
            Value.required,
        }

        /// A kernel parameter. Fargate allows those that begin with `net.`, from platform version 1.4.0 on.
        ///
        /// Source: ECS API reference, `SystemControl` (read 2026-11-23).
        SystemControl = "AWS::ECS::TaskDefinition.SystemControl" {
            // ECS rejects a parameter without a name or a value.
            /// Its name, such as `net.ipv4.ip_unprivileged_port_start`.
            Namespace.required,
            /// Its value.
            Value.required,
        }

        /// A port of a container.
        PortMapping = "AWS::ECS::TaskDefinition.PortMapping" {
            /// The name for Service Connect: at most 64 of `a-z 0-9 _ -`, not starting with `-`.
            Name,
            /// The port in the container, 1 to 65535.
            ContainerPort,
            /// The port outside. In `awsvpc` mode left out, or the same as the container's.
            HostPort,
            /// The transport protocol. Default, decided by ECS: `tcp`.
            Protocol,
            /// The protocol for Service Connect. Default, decided by ECS: none, which Service Connect proxies as TCP.
            /// Immutable in a service with Service Connect.
            AppProtocol,
        }

        /// A dependency on another container.
        ContainerDependency = "AWS::ECS::TaskDefinition.ContainerDependency" {
            // Both are required in the ECS API.
            /// The other container.
            ContainerName.required,
            /// The condition to wait for. `HEALTHY` requires a health check.
            Condition.required,
        }

        /// The health check of a container.
        HealthCheck = "AWS::ECS::TaskDefinition.HealthCheck" {
            // Required in the ECS API.
            /// `CMD` and a command with arguments, or `CMD-SHELL` and a shell command. Exit code 0 means healthy.
            Command.required,
            /// Seconds between checks, 5 to 300. Default, decided by ECS: 30.
            Interval,
            /// Seconds until a check counts as failed, 2 to 60. Default, decided by ECS: 5.
            Timeout,
            /// Failures in a row until the container is unhealthy, 1 to 10. Default, decided by ECS: 3.
            Retries,
            /// Seconds at the start in which failures do not count, 0 to 300. Default, decided by ECS: none.
            StartPeriod,
        }
    },
};
