//! Capacity of a service's tasks: Fargate, Fargate Spot, or EC2 instances.

use cfn::{Value, ecs};

/// A capacity provider and its share of a service's tasks.
///
/// The cluster has the provider: [`Cluster::with_capacity_providers`](crate::Cluster::with_capacity_providers). A service
/// has providers of Fargate or of EC2, not of both (ECS API reference, `CreateService`, read 2026-11-30).
#[derive(Debug, Clone)]
pub struct CapacityProvider {
    name: Value<String>,
    is_ec2: bool,
    base: u32,
    weight: u32,
}

impl CapacityProvider {
    /// The name of Fargate's provider.
    pub const FARGATE: &'static str = "FARGATE";
    /// The name of Fargate Spot's provider.
    pub const FARGATE_SPOT: &'static str = "FARGATE_SPOT";

    /// Fargate.
    #[must_use]
    pub fn fargate() -> Self {
        Self::new(Value::from(Self::FARGATE), false)
    }

    /// Fargate Spot, at a lower price: AWS stops a task with a notice of two minutes if it needs the capacity. A base on
    /// [`CapacityProvider::fargate`] keeps some tasks out of this.
    #[must_use]
    pub fn fargate_spot() -> Self {
        Self::new(Value::from(Self::FARGATE_SPOT), false)
    }

    /// EC2 instances of an Auto Scaling group, by the name of its capacity provider. Tasks have no public addresses
    /// there, so their subnets need a way to AWS: a NAT gateway or VPC endpoints.
    #[must_use]
    pub fn ec2(name: impl Into<Value<String>>) -> Self {
        Self::new(name.into(), true)
    }

    fn new(name: Value<String>, is_ec2: bool) -> Self {
        Self {
            name,
            is_ec2,
            base: 0,
            weight: 1,
        }
    }

    /// Sets the number of tasks that run on it before the weights count, for one of the providers of a service. Default,
    /// decided by ECS: 0.
    #[must_use]
    pub fn with_base(mut self, tasks: u32) -> Self {
        self.base = tasks;
        self
    }

    /// Sets its share of the other tasks, relative to the other providers, 0 to 1000. Default, decided by us: 1.
    #[must_use]
    pub fn with_weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// Whether it consists of EC2 instances.
    pub(super) fn is_ec2(&self) -> bool {
        self.is_ec2
    }

    pub(super) fn to_cfn(&self) -> ecs::CapacityProviderStrategyItem {
        ecs::CapacityProviderStrategyItem {
            base: (self.base > 0).then_some(Value::Known(self.base)),
            weight: Some(Value::Known(self.weight)),
            ..ecs::CapacityProviderStrategyItem::new(self.name.clone())
        }
    }
}
