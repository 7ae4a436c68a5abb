//! Networks of tasks and load balancers: subnets, security groups and public addresses.
//!
//! A [`Vpc`](crate::Vpc) in the stack is a network. An existing VPC is a [`Network`]: its ids are known, or they are
//! parameters of the stack.

use cfn::{Parameter, StringList, Value, ecs};
use serde_json::json;

use super::security_groups::SecurityGroups;
use crate::construct::Construct;
use crate::stack::{LogicalId, Scope};

/// Subnets and security groups of tasks in an existing VPC.
#[derive(Debug, Clone)]
pub struct Network {
    subnets: Source,
    public_subnets: PublicSubnets,
    security_groups: Source,
    vpc: Option<Value<String>>,
    public_ips: bool,
}

/// The source of a list of ids.
#[derive(Debug, Clone)]
enum Source {
    Parameter,
    Ids(StringList),
    Default,
}

/// The subnets of internet-facing load balancers.
#[derive(Debug, Clone)]
pub(super) enum PublicSubnets {
    /// Those of the tasks.
    OfTasks,
    Ids(StringList),
    /// A parameter of the stack, if a load balancer needs it.
    Parameter,
}

impl Network {
    /// A network from two stack parameters, `<Id>Subnets` and `<Id>SecurityGroups`: `NetworkSubnets` and
    /// `NetworkSecurityGroups` for the id `Network`. Their types (`List<AWS::EC2::Subnet::Id>`,
    /// `List<AWS::EC2::SecurityGroup::Id>`) let CloudFormation check that the values exist before it creates
    /// anything.
    #[must_use]
    pub fn from_parameters() -> Self {
        Self {
            subnets: Source::Parameter,
            public_subnets: PublicSubnets::OfTasks,
            security_groups: Source::Parameter,
            vpc: None,
            public_ips: false,
        }
    }

    /// A network of 1 to 16 subnets of one VPC, by id. [`Network::with_vpc_id`] sets the VPC.
    #[must_use]
    pub fn in_subnets(subnets: impl IntoIterator<Item = impl Into<Value<String>>>) -> Self {
        Self {
            subnets: Source::Ids(StringList::list(subnets)),
            public_subnets: PublicSubnets::OfTasks,
            security_groups: Source::Default,
            vpc: None,
            public_ips: false,
        }
    }

    /// Sets the public subnets, in which internet-facing load balancers are: by id, one for each availability zone, with
    /// a route to an internet gateway. Internal load balancers and tasks are in the other subnets, which are then usually
    /// private. Default: the subnets of the tasks.
    #[must_use]
    pub fn with_public_subnets(mut self, subnets: impl IntoIterator<Item = impl Into<Value<String>>>) -> Self {
        self.public_subnets = PublicSubnets::Ids(StringList::list(subnets));
        self
    }

    /// Sets the public subnets by a stack parameter, `<Id>PublicSubnets` of type `List<AWS::EC2::Subnet::Id>`, which exists
    /// only if a load balancer needs it. Default: as [`Network::with_public_subnets`].
    #[must_use]
    pub fn with_public_subnets_from_parameter(mut self) -> Self {
        self.public_subnets = PublicSubnets::Parameter;
        self
    }

    /// Sets the security groups, at most 5; a service behind a load balancer gets two more, of the same 5. Default: the parameter of a network from parameters. Otherwise, if the
    /// VPC is known, decided by us: two groups in the stack, as a [`Vpc`](crate::Vpc) has them, which allow only
    /// traffic between tasks of the network. If it is not, decided by ECS: the VPC's default group.
    #[must_use]
    pub fn with_security_groups(mut self, groups: impl IntoIterator<Item = impl Into<Value<String>>>) -> Self {
        self.security_groups = Source::Ids(StringList::list(groups));
        self
    }

    /// Sets the VPC. Default: a parameter, `<Id>VpcId`, of type `AWS::EC2::VPC::Id`, which exists only if a construct
    /// in the stack needs the VPC, as a [`PrivateDnsNamespace`] does.
    ///
    /// [`PrivateDnsNamespace`]: crate::PrivateDnsNamespace
    #[must_use]
    pub fn with_vpc_id(mut self, vpc: impl Into<Value<String>>) -> Self {
        self.vpc = Some(vpc.into());
        self
    }

    /// Assigns a public IP address to each task. Default, decided by ECS: none. Without one, and without a NAT
    /// gateway or VPC endpoints, a task on Fargate cannot pull its image.
    #[must_use]
    pub fn with_public_ips(mut self) -> Self {
        self.public_ips = true;
        self
    }
}

/// A network that was added to a stack.
#[derive(Debug, Clone)]
pub struct NetworkHandle(NetworkParts);

/// The known parts of a network.
#[derive(Debug, Clone)]
pub(super) struct NetworkParts {
    pub(super) id: LogicalId,
    /// The subnets of the tasks.
    pub(super) subnets: Option<StringList>,
    pub(super) public_subnets: PublicSubnets,
    pub(super) public_subnets_parameter: LogicalId,
    pub(super) security_groups: Option<StringList>,
    pub(super) vpc: Option<Value<String>>,
    pub(super) vpc_parameter: LogicalId,
    pub(super) public_ips: bool,
    /// The resources without which tasks in it cannot reach the internet or the APIs of AWS.
    pub(super) egress: Vec<LogicalId>,
    /// The resources without which nothing can have a public address in it.
    pub(super) internet_access: Vec<LogicalId>,
}

impl NetworkHandle {
    pub(super) fn new(parts: NetworkParts) -> Self {
        Self(parts)
    }

    /// The id that the network was added with, or the prefix of its parameters.
    #[must_use]
    pub fn logical_id(&self) -> &LogicalId {
        &self.0.id
    }

    /// The id of the network's VPC, for a construct that is being added to `scope`. Unless it is known, this adds a
    /// parameter to the stack.
    pub fn vpc_id(&self, scope: &mut Scope<'_>) -> Value<String> {
        if let Some(vpc) = &self.0.vpc {
            return vpc.clone();
        }
        let parameter = Parameter::new("AWS::EC2::VPC::Id").with_description("The VPC of the subnets");
        scope.share_parameter(&self.0.vpc_parameter, parameter);
        Value::reference(self.0.vpc_parameter.as_str())
    }

    /// The network as a service's `NetworkConfiguration`.
    #[must_use]
    pub fn configuration(&self) -> ecs::NetworkConfiguration {
        self.configuration_with(&[])
    }

    /// Whether its tasks have public addresses.
    pub(super) fn has_public_ips(&self) -> bool {
        self.0.public_ips
    }

    /// The `NetworkConfiguration` with further security groups.
    pub(super) fn configuration_with(&self, further: &[Value<String>]) -> ecs::NetworkConfiguration {
        let groups = match (&self.0.security_groups, further) {
            (groups, []) => groups.clone(),
            (None, further) => Some(StringList::list(further.iter().cloned())),
            (Some(Value::Known(groups)), further) => Some(StringList::list(groups.iter().chain(further).cloned())),
            // An unresolved list is extended by joining and splitting it.
            (Some(unresolved), further) => {
                let mut parts = vec![json!({"Fn::Join": [",", unresolved.to_json()]})];
                parts.extend(further.iter().map(Value::to_json));
                Some(Value::Function {
                    name: "Fn::Split".to_owned(),
                    argument: json!([",", {"Fn::Join": [",", parts]}]),
                })
            }
        };
        ecs::NetworkConfiguration {
            awsvpc_configuration: Some(ecs::AwsvpcConfiguration {
                subnets: self.0.subnets.clone(),
                security_groups: groups,
                assign_public_ip: self.0.public_ips.then(|| Value::from("ENABLED")),
            }),
        }
    }

    pub(super) fn subnets(&self) -> Option<&StringList> {
        self.0.subnets.as_ref()
    }

    /// The security groups that all its tasks have and that rules can refer to, as far as they are known. One is enough: in
    /// a network with own groups, the one that identifies its tasks.
    pub(super) fn task_security_groups(&self) -> Vec<Value<String>> {
        match &self.0.security_groups {
            Some(Value::Known(groups)) => groups.iter().take(1).cloned().collect(),
            Some(unresolved) => vec![Value::Function {
                name: "Fn::Select".to_owned(),
                argument: json!([0, unresolved.to_json()]),
            }],
            None => Vec::new(),
        }
    }

    /// Whether the security groups of its tasks are known, so that another one can be added.
    pub(super) fn has_security_groups(&self) -> bool {
        self.0.security_groups.is_some()
    }

    /// The subnets of internet-facing load balancers, for a construct that is being added to `scope`.
    pub(super) fn public_subnets(&self, scope: &mut Scope<'_>) -> Option<StringList> {
        match &self.0.public_subnets {
            PublicSubnets::OfTasks => self.0.subnets.clone(),
            PublicSubnets::Ids(ids) => Some(ids.clone()),
            PublicSubnets::Parameter => {
                let parameter = Parameter::new("List<AWS::EC2::Subnet::Id>")
                    .with_description("Public subnets of internet-facing load balancers, one per availability zone");
                let id = &self.0.public_subnets_parameter;
                scope.share_parameter(id, parameter);
                Some(Value::reference(id.as_str()))
            }
        }
    }

    /// The resources that are created before its tasks, and deleted afterwards.
    pub(super) fn egress(&self) -> &[LogicalId] {
        &self.0.egress
    }

    /// The resources that are created before anything with a public address, and deleted afterwards.
    pub(super) fn internet_access(&self) -> &[LogicalId] {
        &self.0.internet_access
    }
}

impl Construct for Network {
    type Handle = NetworkHandle;
    const KIND: &'static str = "Network";

    fn add_to(self, scope: &mut Scope<'_>) -> NetworkHandle {
        let mut resolve = |source, part: &str, of: &str, description: &str| match source {
            Source::Ids(ids) => Some(ids),
            Source::Default => None,
            Source::Parameter => {
                let id = scope.part(&format!("Network{part}"));
                let parameter = Parameter::new(format!("List<AWS::EC2::{of}::Id>")).with_description(description);
                scope.add_parameter(&id, parameter);
                Some(Value::reference(id.qualified()))
            }
        };
        let subnets = resolve(
            self.subnets,
            "Subnets",
            "Subnet",
            "Subnets of the tasks, all in one VPC",
        );
        let given = resolve(
            self.security_groups,
            "SecurityGroups",
            "SecurityGroup",
            "Security groups of the tasks, in the VPC of the subnets",
        );
        let own = match (&given, &self.vpc) {
            (None, Some(vpc)) => Some(SecurityGroups::add(vpc, scope)),
            _ => None,
        };
        let own_ids = own.as_ref().map(|groups| StringList::list(groups.ids()));
        NetworkHandle(NetworkParts {
            id: scope.logical_id(),
            subnets,
            public_subnets: self.public_subnets,
            public_subnets_parameter: scope.part("NetworkPublicSubnets"),
            security_groups: given.or(own_ids),
            vpc: self.vpc,
            vpc_parameter: scope.part("NetworkVpcId"),
            public_ips: self.public_ips,
            egress: Vec::new(),
            internet_access: Vec::new(),
        })
    }
}
