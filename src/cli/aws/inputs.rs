//! From an app and the command line to what is deployed.

use mesh_infra::deploy::DeploymentInput;
use mesh_infra::{App, LoadBalancer, Template};

use super::public_ip;
use crate::cli::aws_args::StackInputs;

/// What is to be deployed, stack by stack.
pub(super) async fn of(app: &App, stacks: &[String], given: &StackInputs) -> Result<Vec<DeploymentInput>, String> {
    let names = names(app, stacks)?;
    let mut templates = app.synth().map_err(|diagnostics| diagnostics.to_string())?;
    let parameters = parameters(&templates.values().collect::<Vec<_>>(), given).await?;
    let requests = names.into_iter().filter_map(|name| {
        let template = templates.shift_remove(&name)?;
        Some(request(&name, app.name(), template, &parameters))
    });
    lying_at(given.template_url.as_deref(), requests.collect())
}

/// The requests, the only one of which has its template in S3 if a place is given.
pub(crate) fn lying_at(url: Option<&str>, mut requests: Vec<DeploymentInput>) -> Result<Vec<DeploymentInput>, String> {
    match (url, requests.len()) {
        (None, _) => Ok(requests),
        (Some(url), 1) => Ok(requests
            .drain(..)
            .map(|request| request.with_template_at(url))
            .collect()),
        (Some(_), _) => Err("--template-url is for one stack: say which".to_owned()),
    }
}

/// What is to be deployed as one stack of an app, with those of the parameters that it has.
pub(crate) fn request(stack: &str, app: &str, template: Template, parameters: &[(String, String)]) -> DeploymentInput {
    let own: Vec<_> = parameters
        .iter()
        .filter(|(name, _)| has(&template, name))
        .cloned()
        .collect();
    let request = DeploymentInput::new(stack, template).with_tag("meshwright:app", app);
    own.into_iter()
        .fold(request, |request, (name, value)| request.with_parameter(name, value))
}

/// The parameters that the command line gives to these templates.
pub(crate) async fn parameters(templates: &[&Template], given: &StackInputs) -> Result<Vec<(String, String)>, String> {
    let mut parameters = given.parameters.clone();
    let allowed = match (given.allow_ip, given.allow_my_ip) {
        (Some(network), _) => Some(network),
        (None, true) => Some(public_ip::ask().await?),
        (None, false) => None,
    };
    if let Some(network) = allowed {
        if !templates
            .iter()
            .any(|template| has(template, LoadBalancer::ALLOWED_CIDR))
        {
            return Err(format!(
                "nothing here is open to anybody: no stack has the parameter {}",
                LoadBalancer::ALLOWED_CIDR
            ));
        }
        parameters.push((LoadBalancer::ALLOWED_CIDR.to_owned(), network.to_string()));
    }
    let nobodys = parameters
        .iter()
        .find(|(name, _)| !templates.iter().any(|template| has(template, name)));
    if let Some((name, _)) = nobodys {
        let known = templates.iter().flat_map(|template| template.parameters.keys());
        let known: Vec<&str> = known.map(String::as_str).collect();
        return Err(match known.as_slice() {
            [] => format!("there is no parameter `{name}`: the templates have none"),
            known => format!("there is no parameter `{name}`; there are {}", known.join(", ")),
        });
    }
    Ok(parameters)
}

/// The stacks of these names, or all, in the order in which they are deployed.
pub(super) fn names(app: &App, stacks: &[String]) -> Result<Vec<String>, String> {
    let all: Vec<String> = app.stacks().iter().map(|stack| stack.name().to_owned()).collect();
    if let Some(unknown) = stacks.iter().find(|stack| !all.contains(stack)) {
        return Err(format!("there is no stack `{unknown}`; there are {}", all.join(", ")));
    }
    let wanted = |name: &String| stacks.is_empty() || stacks.contains(name);
    Ok(all.into_iter().filter(wanted).collect())
}

fn has(template: &Template, parameter: &str) -> bool {
    template.parameters.contains_key(parameter)
}

#[cfg(test)]
mod tests {
    use mesh_infra::Stack;

    use super::*;

    fn app() -> App {
        App::new("both")
            .with_stack(Stack::new("one"))
            .with_stack(Stack::new("two"))
    }

    #[test]
    fn stacks_are_taken_in_the_order_of_the_app() {
        let named = |stacks: &[&str]| {
            let stacks: Vec<String> = stacks.iter().map(|name| (*name).to_owned()).collect();
            names(&app(), &stacks)
        };
        assert_eq!(named(&[]).unwrap(), ["one", "two"]);
        assert_eq!(named(&["two", "one"]).unwrap(), ["one", "two"]);
        assert_eq!(
            named(&["three"]).unwrap_err(),
            "there is no stack `three`; there are one, two"
        );
    }

    #[tokio::test]
    async fn what_no_template_asks_for_is_refused() {
        let given = |parameters: &[(&str, &str)], allow_ip: Option<&str>| StackInputs {
            parameters: parameters
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            allow_ip: allow_ip.map(|network| network.parse().expect("a network")),
            allow_my_ip: false,
            template_url: None,
        };
        let refused = of(&app(), &[], &given(&[("Stage", "test")], None)).await.unwrap_err();
        assert_eq!(refused, "there is no parameter `Stage`: the templates have none");
        let refused = of(&app(), &[], &given(&[], Some("10.0.0.0/8"))).await.unwrap_err();
        assert_eq!(
            refused,
            "nothing here is open to anybody: no stack has the parameter AllowedCidr"
        );
    }
}
