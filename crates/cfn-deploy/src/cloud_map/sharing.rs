//! Who else has to do with a namespace: the stack that it belongs to, and stacks that name it as well.

use aws_sdk_cloudformation::types::TemplateStage;
use cfn::Template;

use super::ownership::owned;
use crate::deployed_stack::{is_absent, read};
use crate::environment::Environment;
use crate::error::Error;
use crate::status::StackCondition;

impl Environment {
    /// The stack that something is a resource of.
    pub(super) async fn owner(&self, physical_id: &str) -> Result<Option<String>, Error> {
        let call = self
            .cloudformation()
            .describe_stack_resources()
            .physical_resource_id(physical_id);
        match call.send().await {
            Ok(answer) => {
                let resources = answer.stack_resources.unwrap_or_default();
                let live = resources.into_iter().filter_map(|resource| {
                    let gone = resource
                        .resource_status()
                        .is_some_and(|status| status.as_str() == "DELETE_COMPLETE");
                    resource.stack_name.filter(|_| !gone)
                });
                Ok(live.into_iter().next())
            }
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(self.service_error("cloudformation", "DescribeStackResources", physical_id, &error)),
        }
    }

    /// A stack whose template names a namespace, though the namespace is no resource of it. Every stack of the account
    /// is looked at, so this is asked only of a namespace that would be deleted otherwise.
    pub(super) async fn claimant(&self, namespace: &str) -> Result<Option<String>, Error> {
        let mut next = None;
        loop {
            let call = self.cloudformation().describe_stacks().set_next_token(next);
            let answer = call.send().await;
            let answer = answer.map_err(|error| {
                let resource = format!("the stacks beside namespace `{namespace}`");
                self.service_error("cloudformation", "DescribeStacks", &resource, &error)
            })?;
            for stack in answer.stacks.unwrap_or_default().into_iter().map(read) {
                if matches!(
                    stack.status.condition(),
                    StackCondition::Deleted | StackCondition::ReviewInProgress
                ) {
                    continue;
                }
                let call = self.cloudformation().get_template().stack_name(&stack.id);
                let text = match call.template_stage(TemplateStage::Original).send().await {
                    Ok(answer) => answer.template_body.unwrap_or_default(),
                    Err(error) if is_absent(&error) => continue,
                    Err(error) => return Err(self.call_error("GetTemplate", &stack.name, &error)),
                };
                let names_it = match Template::from_text(&text) {
                    Ok(template) => owned(&template, &stack.parameters).namespaces.contains(namespace),
                    // Of a template that cannot be read, the worst is assumed.
                    Err(_) => text.contains(namespace),
                };
                if names_it {
                    return Ok(Some(stack.name));
                }
            }
            next = answer.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(None);
            }
        }
    }
}
