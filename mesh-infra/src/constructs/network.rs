//! Where tasks are on the network: subnets, security groups and whether they have public addresses.
//!
//! Either the ids are known, or whoever deploys the stack is asked for them. A network of the stack's own (VPC,
//! subnets, gateways) is another construct, which is not there yet.

use crate::cfn::ecs;
use crate::construct::Construct;
use crate::stack::{LogicalId, Scope};
use crate::template::Parameter;
use crate::value::{StringList, Value};

/// The subnets and security groups of tasks.
#[derive(Debug, Clone)]
pub struct Network {
    subnets: Source,
    security_groups: Source,
    vpc: Option<Value<String>>,
    public_ips: bool,
}

/// Where a list of ids comes from.
#[derive(Debug, Clone)]
enum Source {
    Parameter,
    Ids(StringList),
    Ecs,
}

impl Network {
    /// The network that is asked for when the stack is deployed, by two parameters: `<Id>Subnets` and
    /// `<Id>SecurityGroups`, which are `NetworkSubnets` and `NetworkSecurityGroups` for the id `Network`. Their
    /// types (`List<AWS::EC2::Subnet::Id>`, `List<AWS::EC2::SecurityGroup::Id>`) make CloudFormation check that
    /// what is given exists, before anything is created.
    #[must_use]
    pub fn from_parameters() -> Self {
        Self {
            subnets: Source::Parameter,
            security_groups: Source::Parameter,
            vpc: None,
            public_ips: false,
        }
    }

    /// Subnets by id, 1 to 16 of one VPC.
    #[must_use]
    pub fn in_subnets(subnets: impl IntoIterator<Item = impl Into<Value<String>>>) -> Self {
        Self {
            subnets: Source::Ids(StringList::list(subnets)),
            security_groups: Source::Ecs,
            vpc: None,
            public_ips: false,
        }
    }

    /// The same network with these security groups, at most 5. Default: the parameter of a network from
    /// parameters; otherwise, decided by ECS, the VPC's default group.
    #[must_use]
    pub fn with_security_groups(mut self, groups: impl IntoIterator<Item = impl Into<Value<String>>>) -> Self {
        self.security_groups = Source::Ids(StringList::list(groups));
        self
    }

    /// The same network, known to be in this VPC. Default: a parameter, `<Id>VpcId`, of type `AWS::EC2::VPC::Id`. It
    /// is there only if something in the stack needs to know the VPC, as a [`PrivateDnsNamespace`] does.
    ///
    /// [`PrivateDnsNamespace`]: crate::PrivateDnsNamespace
    #[must_use]
    pub fn with_vpc_id(mut self, vpc: impl Into<Value<String>>) -> Self {
        self.vpc = Some(vpc.into());
        self
    }

    /// The same network, with a public IP address for each task. Default, decided by ECS: none. Without one, and
    /// without a NAT gateway or VPC endpoints, a task on Fargate cannot pull its image.
    #[must_use]
    pub fn with_public_ips(mut self) -> Self {
        self.public_ips = true;
        self
    }
}

/// A network that was added to a stack.
#[derive(Debug, Clone)]
pub struct NetworkHandle {
    id: LogicalId,
    subnets: Option<StringList>,
    security_groups: Option<StringList>,
    vpc: Option<Value<String>>,
    vpc_parameter: LogicalId,
    public_ips: bool,
}

impl NetworkHandle {
    /// The id that the network's parameters begin with. Nothing in the template has this very id.
    #[must_use]
    pub fn logical_id(&self) -> &LogicalId {
        &self.id
    }

    /// The id of the network's VPC, for a construct that is being added to `scope`. It is asked for when the stack is
    /// deployed, unless the network knows it.
    pub fn vpc_id(&self, scope: &mut Scope<'_>) -> Value<String> {
        if let Some(vpc) = &self.vpc {
            return vpc.clone();
        }
        let parameter = Parameter::new("AWS::EC2::VPC::Id").with_description("The VPC of the subnets");
        scope.share_parameter(&self.vpc_parameter, parameter);
        Value::reference(self.vpc_parameter.as_str())
    }

    /// The network as a service's `NetworkConfiguration`.
    #[must_use]
    pub fn configuration(&self) -> ecs::NetworkConfiguration {
        ecs::NetworkConfiguration {
            awsvpc_configuration: Some(ecs::AwsvpcConfiguration {
                subnets: self.subnets.clone(),
                security_groups: self.security_groups.clone(),
                assign_public_ip: self.public_ips.then(|| Value::from("ENABLED")),
            }),
        }
    }
}

impl Construct for Network {
    type Handle = NetworkHandle;
    const KIND: &'static str = "Network";

    fn add_to(self, scope: &mut Scope<'_>) -> NetworkHandle {
        let mut settle = |source, part: &str, of: &str, description: &str| match source {
            Source::Ids(ids) => Some(ids),
            Source::Ecs => None,
            Source::Parameter => {
                let id = scope.part(&format!("Network{part}"));
                let parameter = Parameter::new(format!("List<AWS::EC2::{of}::Id>")).with_description(description);
                scope.add_parameter(&id, parameter);
                Some(Value::reference(id.as_str()))
            }
        };
        let subnets = settle(
            self.subnets,
            "Subnets",
            "Subnet",
            "Subnets of the tasks, all in one VPC",
        );
        let security_groups = settle(
            self.security_groups,
            "SecurityGroups",
            "SecurityGroup",
            "Security groups of the tasks, in the VPC of the subnets",
        );
        NetworkHandle {
            id: scope.logical_id(),
            subnets,
            security_groups,
            vpc: self.vpc,
            vpc_parameter: scope.part("NetworkVpcId"),
            public_ips: self.public_ips,
        }
    }
}
