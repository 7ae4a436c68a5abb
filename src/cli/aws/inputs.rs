//! Deployment inputs from an app and the command line.

use ipnet::IpNet;
use mesh_infra::deploy::DeploymentInput;
use mesh_infra::{App, Template};

use super::AwsError;
use super::allowed::{self, AllowedError};
use super::public_ip::{self, PublicIpError};
use crate::cli::aws_args::{DeployOptions, StackInputs};

/// The tag of a stack that names its app.
pub(crate) const OWNER_TAG: &str = "meshwright:app";

/// An option that does not fit the app.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    #[error("unknown stack `{name}`; the app has {}", known.join(", "))]
    UnknownStack { name: String, known: Vec<String> },
    #[error("--parameter {0} is given twice, with two values; give it once")]
    ParameterTwice(String),
    #[error("{}", unknown_parameter(name, known))]
    UnknownParameter { name: String, known: Vec<String> },
    #[error(transparent)]
    Allowed(#[from] AllowedError),
    #[error("--parameter {0} and --allow-ip or --allow-my-ip set the same parameter; use one of them")]
    AllowedTwice(String),
    #[error(
        "stack `{user}` is deployed and uses values of stack `{used}`; destroy it first, or both in one command: destroy {used} \
         {user}"
    )]
    StackInUse { used: String, user: String },
    #[error("--template-url requires a single stack; add its name")]
    TemplateUrlForManyStacks,
    #[error("--parameter {name}={value}: {reason}")]
    InvalidCidr {
        name: String,
        value: String,
        reason: String,
    },
    #[error(transparent)]
    PublicIp(#[from] PublicIpError),
}

fn unknown_parameter(name: &str, known: &[String]) -> String {
    match known {
        [] => format!("unknown parameter `{name}`; the templates have none"),
        known => format!("unknown parameter `{name}`; the templates have {}", known.join(", ")),
    }
}

impl InputError {
    /// Whether the command line is wrong.
    pub(super) fn is_usage(&self) -> bool {
        !matches!(self, Self::PublicIp(_) | Self::StackInUse { .. })
    }
}

/// The inputs of an app's stacks.
pub(super) async fn for_app(
    app: &App,
    stacks: &[String],
    options: &StackInputs,
) -> Result<Vec<DeploymentInput>, AwsError> {
    let selected = stack_names(app, stacks)?;
    let templates = app.synth()?;
    let parameters = parameters(&templates.values().collect::<Vec<_>>(), options).await?;
    // In the order of deployment.
    let inputs = templates.into_iter().filter(|(name, _)| selected.contains(name));
    let inputs = inputs.map(|(name, template)| for_stack(&name, app.name(), template, &parameters));
    let inputs: Vec<_> = inputs.collect();
    Ok(with_template_url(options.template_url.as_deref(), inputs)?)
}

/// Applies the options of a deployment.
pub(crate) fn with_options(input: DeploymentInput, options: DeployOptions) -> DeploymentInput {
    input
        .adopting(options.adopt)
        .with_rollback_disabled(options.no_rollback)
}

/// Sets the S3 URL of the template of the only input.
fn with_template_url(url: Option<&str>, inputs: Vec<DeploymentInput>) -> Result<Vec<DeploymentInput>, InputError> {
    match (url, inputs.len()) {
        (None, _) => Ok(inputs),
        (Some(url), 1) => Ok(inputs.into_iter().map(|input| input.with_template_at(url)).collect()),
        (Some(_), _) => Err(InputError::TemplateUrlForManyStacks),
    }
}

/// The input of one stack of an app, with the parameters that its template declares.
pub(crate) fn for_stack(
    stack: &str,
    app: &str,
    template: Template,
    parameters: &[(String, String)],
) -> DeploymentInput {
    let declared: Vec<_> = parameters
        .iter()
        .filter(|(name, _)| declares(&template, name))
        .cloned()
        .collect();
    let input = DeploymentInput::new(stack, template).with_owner_tag(OWNER_TAG, app);
    declared
        .into_iter()
        .fold(input, |input, (name, value)| input.with_parameter(name, value))
}

/// The parameter values from the command line.
pub(crate) async fn parameters(
    templates: &[&Template],
    options: &StackInputs,
) -> Result<Vec<(String, String)>, InputError> {
    let mut parameters = options.parameters.clone();
    for (index, (name, value)) in parameters.iter().enumerate() {
        // The last one would win, also for an access that the first one was to close.
        let is_other = |(earlier, other): &(String, String)| earlier == name && other != value;
        if parameters[..index].iter().any(is_other) {
            return Err(InputError::ParameterTwice(name.clone()));
        }
        allowed::check_parameter(name, value).map_err(|reason| InputError::InvalidCidr {
            name: name.clone(),
            value: value.clone(),
            reason,
        })?;
    }
    let is_declared = |name: &str| templates.iter().any(|template| declares(template, name));
    let networks = match options.allow_my_ip {
        true => vec![IpNet::from(public_ip::resolve().await?)],
        false => options.allow_ip.clone(),
    };
    if !networks.is_empty() {
        let allowed = allowed::parameters(&networks, is_declared)?;
        let given = |name: &String| options.parameters.iter().any(|(given, _)| given == name);
        if let Some((name, _)) = allowed.iter().find(|(name, _)| given(name)) {
            return Err(InputError::AllowedTwice(name.clone()));
        }
        parameters.extend(allowed);
    }
    let unknown = parameters.iter().find(|(name, _)| !is_declared(name));
    if let Some((name, _)) = unknown {
        let known = templates.iter().flat_map(|template| template.parameters.keys());
        return Err(InputError::UnknownParameter {
            name: name.clone(),
            known: known.cloned().collect(),
        });
    }
    Ok(parameters)
}

/// The selected stacks, or all.
pub(super) fn stack_names(app: &App, selected: &[String]) -> Result<Vec<String>, InputError> {
    let all: Vec<String> = app.stacks().iter().map(|stack| stack.name().to_owned()).collect();
    if let Some(unknown) = selected.iter().find(|stack| !all.contains(stack)) {
        return Err(InputError::UnknownStack {
            name: unknown.clone(),
            known: all,
        });
    }
    let is_selected = |name: &String| selected.is_empty() || selected.contains(name);
    Ok(all.into_iter().filter(is_selected).collect())
}

fn declares(template: &Template, parameter: &str) -> bool {
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
    fn stacks_are_in_the_order_of_the_app() {
        let select = |stacks: &[&str]| {
            let stacks: Vec<String> = stacks.iter().map(|name| (*name).to_owned()).collect();
            stack_names(&app(), &stacks)
        };
        assert_eq!(select(&[]).unwrap(), ["one", "two"]);
        assert_eq!(select(&["two", "one"]).unwrap(), ["one", "two"]);
        assert_eq!(
            select(&["three"]).unwrap_err().to_string(),
            "unknown stack `three`; the app has one, two"
        );
    }

    #[tokio::test]
    async fn options_that_no_template_declares_are_usage_errors() {
        let options = |parameters: &[(&str, &str)], allow_ip: Option<&str>| StackInputs {
            parameters: parameters
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            allow_ip: allow_ip
                .into_iter()
                .map(|network| network.parse().expect("a CIDR block"))
                .collect(),
            allow_my_ip: false,
            template_url: None,
        };
        for (options, expected) in [
            (
                options(&[("Stage", "test")], None),
                "unknown parameter `Stage`; the templates have none",
            ),
            (
                options(&[("AllowedCidr", "999.999.1.1/32")], None),
                "--parameter AllowedCidr=999.999.1.1/32: expected an IPv4 CIDR block such as 203.0.113.7/32",
            ),
            (
                options(&[("AllowedCidr", "10.0.0.0/8"), ("AllowedCidr", "10.1.0.0/16")], None),
                "--parameter AllowedCidr is given twice, with two values; give it once",
            ),
            (
                options(&[("AllowedCidr", "10.1.2.3/8")], None),
                "--parameter AllowedCidr=10.1.2.3/8: has host bits; use 10.0.0.0/8 for the network or 10.1.2.3/32 for one \
                 address",
            ),
            (
                options(&[("AllowedIpv6Cidr2", "10.0.0.0/8")], None),
                "--parameter AllowedIpv6Cidr2=10.0.0.0/8: expected an IPv6 CIDR block such as 2001:db8::/56",
            ),
            (
                options(&[], Some("10.0.0.0/8")),
                "no stack has the parameter AllowedCidr, so no address can be allowed",
            ),
        ] {
            let error = for_app(&app(), &[], &options).await.unwrap_err();
            assert!(error.is_usage());
            assert_eq!(error.to_string(), expected);
        }
    }
}
