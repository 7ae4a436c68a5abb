//! ECS services together with their task definitions.

use cfn::Value;
use sidecar_contract::Diagnostics;

use crate::model::TemplateModel;

pub(super) fn check(model: &TemplateModel<'_>, diagnostics: &mut Diagnostics) {
    for service in model.services() {
        let path = service.resource.properties_path();
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
