//! What ECS demands of a service and its task definition together.

use cfn::{Template, Value};
use sidecar_contract::Diagnostics;

use crate::participant::participants;

pub(super) fn check(template: &Template, diagnostics: &mut Diagnostics) {
    for participant in participants(template) {
        let path = format!("Resources.{}.Properties", participant.logical_id);
        let Some(task_definition) = &participant.task_definition else {
            continue;
        };
        let awsvpc = task_definition.network_mode == Some(Value::from("awsvpc"));
        let network = participant
            .service
            .network_configuration
            .as_ref()
            .and_then(|network| network.awsvpc_configuration.as_ref());
        match network {
            None if awsvpc => diagnostics.add(
                format!("{path}.NetworkConfiguration"),
                "is missing; tasks in awsvpc mode need subnets",
            ),
            Some(network) => {
                let path = format!("{path}.NetworkConfiguration.AwsvpcConfiguration");
                let counts = [
                    ("Subnets", &network.subnets, 1..=16),
                    ("SecurityGroups", &network.security_groups, 0..=5),
                ];
                for (field, list, allowed) in counts {
                    if let Some(Value::Known(items)) = list
                        && !allowed.contains(&items.len())
                    {
                        diagnostics.add(
                            format!("{path}.{field}"),
                            format!(
                                "holds {} ids; allowed is {} to {}",
                                items.len(),
                                allowed.start(),
                                allowed.end()
                            ),
                        );
                    }
                }
            }
            None => {}
        }
    }
}
