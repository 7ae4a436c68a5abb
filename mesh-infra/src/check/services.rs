//! ECS services together with their task definitions.

use cfn::{Template, Value};
use sidecar_contract::Diagnostics;

use crate::model::{ServiceView, TemplateModel};

pub(super) fn check(template: &Template, model: &TemplateModel<'_>, diagnostics: &mut Diagnostics) {
    for service in model.services() {
        let path = service.resource.properties_path();
        check_capacity_providers(template, &service, &path, diagnostics);
        let Some(task_definition) = service.task_definition else {
            continue;
        };
        let is_awsvpc = task_definition.value.network_mode == Some(Value::from("awsvpc"));
        let network = service.service.network_configuration.as_ref();
        let Some(network) = network.and_then(|network| network.awsvpc_configuration.as_ref()) else {
            if is_awsvpc {
                diagnostics.add(
                    format!("{path}.NetworkConfiguration"),
                    "is missing; tasks in awsvpc mode need subnets",
                );
            }
            continue;
        };
        for (field, list, allowed) in [
            ("Subnets", &network.subnets, 1..=16),
            ("SecurityGroups", &network.security_groups, 0..=5),
        ] {
            if let Some(Value::Known(items)) = list
                && !allowed.contains(&items.len())
            {
                diagnostics.add(
                    format!("{path}.NetworkConfiguration.AwsvpcConfiguration.{field}"),
                    format!(
                        "has {} ids; allowed are {} to {}",
                        items.len(),
                        allowed.start(),
                        allowed.end()
                    ),
                );
            }
        }
    }
}

/// Reports capacity providers that the service's cluster does not have.
fn check_capacity_providers(template: &Template, service: &ServiceView<'_>, path: &str, diagnostics: &mut Diagnostics) {
    let has_associations = template
        .resources
        .values()
        .any(|resource| resource.kind == "AWS::ECS::ClusterCapacityProviderAssociations");
    let Some(cluster) = service
        .cluster()
        .map(|cluster| cluster.value)
        .filter(|_| !has_associations)
    else {
        return;
    };
    let providers = match &cluster.capacity_providers {
        Some(providers) => providers.known_items(),
        None => Some(Vec::new()),
    };
    let Some(providers) = providers else { return };
    for (index, item) in service.service.capacity_provider_strategy.iter().enumerate() {
        if let Value::Known(name) = &item.capacity_provider
            && !providers.contains(&name.as_str())
        {
            diagnostics.add(
                format!("{path}.CapacityProviderStrategy[{index}].CapacityProvider"),
                format!(
                    "is `{name}`, which the cluster does not have; add it by Cluster::with_capacity_providers, which has {}",
                    match providers.as_slice() {
                        [] => "none".to_owned(),
                        providers => providers.join(", "),
                    }
                ),
            );
        }
    }
}
