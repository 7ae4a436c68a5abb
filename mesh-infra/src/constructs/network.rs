//! Where tasks are on the network: subnets, security groups and whether they have public addresses.
//!
//! A [`Vpc`](crate::Vpc) of the stack's own is a network. One that exists is a [`Network`]: either its ids are known, or
//! whoever deploys the stack is asked for them.

use cfn::{Parameter, StringList, Value, ecs};
use serde_json::json;

use super::security_groups::SecurityGroups;
use crate::construct::Construct;
use crate::stack::{LogicalId, Scope};

/// The subnets and security groups of tasks, in a VPC that exists.
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
    Default,
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

    /// Subnets by id, 1 to 16 of one VPC, which [`Network::with_vpc_id`] names.
    #[must_use]
    pub fn in_subnets(subnets: impl IntoIterator<Item = impl Into<Value<String>>>) -> Self {
        Self {
            subnets: Source::Ids(StringList::list(subnets)),
            security_groups: Source::Default,
            vpc: None,
            public_ips: false,
        }
    }

    /// The same network with these security groups, at most 5. Default: the parameter of a network from
    /// parameters. Otherwise, if the VPC is known, decided by us: two groups of the stack's own, as a
    /// [`Vpc`](crate::Vpc) has them, by which tasks of the network reach each other and nobody else does. If it is not,
    /// decided by ECS: the VPC's default group.
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
pub struct NetworkHandle(Place);

/// What is known of a network.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) id: LogicalId,
    pub(super) subnets: Option<StringList>,
    pub(super) security_groups: Option<StringList>,
    /// The group that every task of it carries, if it is ours.
    pub(super) members: Option<LogicalId>,
    pub(super) vpc: Option<Value<String>>,
    pub(super) vpc_parameter: LogicalId,
    pub(super) public_ips: bool,
    /// What must be there before anything in it can reach the internet.
    pub(super) ways_out: Vec<LogicalId>,
}

impl NetworkHandle {
    pub(super) fn new(place: Place) -> Self {
        Self(place)
    }

    /// The id that the network was added with, or that its parameters begin with.
    #[must_use]
    pub fn logical_id(&self) -> &LogicalId {
        &self.0.id
    }

    /// The id of the network's VPC, for a construct that is being added to `scope`. It is asked for when the stack is
    /// deployed, unless the network knows it.
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
        self.configuration_with(None)
    }

    /// The same, the tasks carrying one more group.
    pub(super) fn configuration_with(&self, group: Option<Value<String>>) -> ecs::NetworkConfiguration {
        let groups = match (&self.0.security_groups, group) {
            (groups, None) => groups.clone(),
            (None, Some(group)) => Some(StringList::list([group])),
            (Some(Value::Known(groups)), Some(group)) => Some(StringList::list(groups.iter().cloned().chain([group]))),
            // Nothing adds to a list that is late but taking it apart again.
            (Some(late), Some(group)) => Some(Value::Function {
                name: "Fn::Split".to_owned(),
                argument: json!([",", {"Fn::Join": [",", [
                    {"Fn::Join": [",", late.to_json()]},
                    group.to_json()
                ]]}]),
            }),
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

    /// Whether it is known which groups its tasks carry: beside those, they can carry one more.
    pub(super) fn has_security_groups(&self) -> bool {
        self.0.security_groups.is_some()
    }

    pub(super) fn members(&self) -> Option<&LogicalId> {
        self.0.members.as_ref()
    }

    /// What is created before anything that needs the internet, and deleted after it.
    pub(super) fn ways_out(&self) -> &[LogicalId] {
        &self.0.ways_out
    }
}

impl Construct for Network {
    type Handle = NetworkHandle;
    const KIND: &'static str = "Network";

    fn add_to(self, scope: &mut Scope<'_>) -> NetworkHandle {
        let mut settle = |source, part: &str, of: &str, description: &str| match source {
            Source::Ids(ids) => Some(ids),
            Source::Default => None,
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
        let given = settle(
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
        NetworkHandle(Place {
            id: scope.logical_id(),
            subnets,
            security_groups: given.or(own_ids),
            members: own.map(|groups| groups.members),
            vpc: self.vpc,
            vpc_parameter: scope.part("NetworkVpcId"),
            public_ips: self.public_ips,
            ways_out: Vec::new(),
        })
    }
}
