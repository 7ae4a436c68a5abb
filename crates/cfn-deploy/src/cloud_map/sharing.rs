//! Other users of a namespace: the stack that owns it, and stacks that refer to it by name.

use aws_sdk_cloudformation::types::TemplateStage;
use cfn::Template;

use super::ownership::owned_names;
use crate::deployed_stack::{is_absent, read};
use crate::environment::Environment;
use crate::error::Error;
use crate::status::StackCondition;

impl Environment {
    /// The stack of which an object is a resource.
    pub(super) async fn owner(&self, physical_id: &str) -> Result<Option<String>, Error> {
        let call = self
            .cloudformation()
            .describe_stack_resources()
            .physical_resource_id(physical_id);
        match call.send().await {
            Ok(response) => {
                let resources = response.stack_resources.unwrap_or_default();
                let live = resources.into_iter().filter_map(|resource| {
                    let is_deleted = resource
                        .resource_status()
                        .is_some_and(|status| status.as_str() == "DELETE_COMPLETE");
                    resource.stack_name.filter(|_| !is_deleted)
                });
                Ok(live.into_iter().next())
            }
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(self.service_error("cloudformation", "DescribeStackResources", physical_id, error)),
        }
    }

    /// A stack whose template refers to a namespace by name. Reads every stack of the account, so it is called only for a
    /// namespace that would be deleted otherwise.
    pub(super) async fn referring_stack(&self, namespace: &str) -> Result<Option<String>, Error> {
        let mut next = None;
        loop {
            let call = self.cloudformation().describe_stacks().set_next_token(next);
            let response = call.send().await;
            let response = response.map_err(|error| {
                let resource = format!("the stacks that refer to namespace `{namespace}`");
                self.service_error("cloudformation", "DescribeStacks", &resource, error)
            })?;
            for stack in response.stacks.unwrap_or_default().into_iter().map(read) {
                if matches!(
                    stack.status.condition(),
                    StackCondition::Deleted | StackCondition::ReviewInProgress
                ) {
                    continue;
                }
                let call = self.cloudformation().get_template().stack_name(&stack.id);
                let text = match call.template_stage(TemplateStage::Original).send().await {
                    Ok(response) => response.template_body.unwrap_or_default(),
                    Err(error) if is_absent(&error) => continue,
                    Err(error) => return Err(self.call_error("GetTemplate", &stack.name, error)),
                };
                let refers_to_it = match Template::from_text(&text) {
                    Ok(template) => owned_names(&template, &stack.parameters).namespaces.contains(namespace),
                    // A template that cannot be parsed refers to every name in its text.
                    Err(_) => text.contains(namespace),
                };
                if refers_to_it {
                    return Ok(Some(stack.name));
                }
            }
            next = response.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(None);
            }
        }
    }
}
