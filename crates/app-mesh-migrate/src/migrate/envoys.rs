//! The Envoys of task definitions: found by their App Mesh variables, and given an image and a bootstrap that work.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use cfn::evaluate::{escape_sub, scalar_text};
use cfn::{ResourceType, Template, ecs, intrinsic};
use envoy_bootstrap::{
    Admin, ApiType, Bootstrap, EGRESS_PORT, INGRESS_PORT, NodeMetadata, Upstream, egress_listener, ingress_listener,
};
use mesh_infra::env::{APPMESH_RESOURCE_ARN, APPMESH_SDS_SOCKET_PATH};
use mesh_infra::{EnvoyContainer, labels};
use mesh_model::app_mesh::{Kind, ResourcePath};
use serde_json::{Value as Json, json};
use sidecar_contract::Diagnostics;

use super::changes::{ChangeKind, Changes};
use super::stacks::Stacks;

/// Variables with the mesh resource of an Envoy, by precedence. Source: the App Mesh agent (read 2026-11-23).
const NODE_VARIABLES: [&str; 3] = [
    APPMESH_RESOURCE_ARN,
    "APPMESH_RESOURCE_NAME",
    "APPMESH_VIRTUAL_NODE_NAME",
];

/// Prefixes of the variables that only the App Mesh agent reads. Source: its `agent_config.go` (read 2026-11-23).
const AGENT_VARIABLES: [&str; 14] = [
    "APPMESH_",
    "APPNET_",
    "DATADOG_TRACER_",
    "DISABLE_HOT_RESTART",
    "ENABLE_ENVOY_",
    "ENABLE_STATS_SNAPSHOT",
    "ENVOY_",
    "HC_DISCONNECTED_TIMEOUT_S",
    "HC_POLL_INTERVAL_MS",
    "JAEGER_TRACER_",
    "LISTENER_DRAIN_WAIT_TIME_S",
    "PID_POLL_INTERVAL_MS",
    "STATSD_",
    "XRAY_",
];

/// Variables of the agent whose effect Envoy has by itself or by its bootstrap.
const COVERED: [&str; 4] = [
    "ENABLE_ENVOY_STATS_TAGS",
    "ENVOY_INITIAL_FETCH_TIMEOUT",
    "APPMESH_XDS_ENDPOINT",
    "APPMESH_PREVIEW",
];

/// Envoy's option with the text of its bootstrap.
const BOOTSTRAP_OPTION: &str = "--config-yaml";

/// Images that only receive what App Mesh's agent had Envoy send, by a word in their names, with the word in the variables
/// that configured it.
const RECEIVERS: [(&str, &str); 4] = [
    ("xray", "XRAY"),
    ("datadog", "DATADOG"),
    ("jaeger", "JAEGER"),
    ("statsd", "STATSD"),
];

/// The Unix user that a transparent proxy does not redirect, as in App Mesh's guides.
const ENVOY_USER: &str = "1337";

/// An Envoy of a task definition.
#[derive(Debug, Clone)]
pub(crate) struct EnvoySite {
    pub(crate) stack: usize,
    /// The logical id of the task definition.
    pub(crate) task: String,
    /// The index of the container.
    pub(crate) container: usize,
    /// Its virtual node or virtual gateway.
    pub(crate) path: ResourcePath,
}

/// The Envoys of task definitions.
#[derive(Debug, Default)]
pub(crate) struct Envoys {
    /// Those of App Mesh's agent.
    pub(crate) sites: Vec<EnvoySite>,
    /// Those that have a bootstrap already, from a migration or from `mesh-infra`.
    pub(crate) migrated: Vec<EnvoySite>,
}

/// The Envoys of all task definitions. Reports those without a known virtual node or gateway.
pub(crate) fn find(stacks: &Stacks<'_>, diagnostics: &mut Diagnostics) -> Envoys {
    let mut envoys = Envoys::default();
    for (stack, source) in stacks.sources().iter().enumerate() {
        for (task, resource) in &source.template.resources {
            if resource.kind != ecs::TaskDefinition::KIND {
                continue;
            }
            let containers = resource.properties.get("ContainerDefinitions").and_then(Json::as_array);
            for (container, definition) in containers.into_iter().flatten().enumerate() {
                let path = format!(
                    "{}.Resources.{task}.Properties.ContainerDefinitions[{container}]",
                    source.name
                );
                match node(stacks, stack, &resource.properties, definition) {
                    NodeReading::NoEnvoy => {}
                    NodeReading::Unknown(message) => diagnostics.add(path, message),
                    NodeReading::Known(node) => {
                        let found = match has_bootstrap(definition) {
                            true => &mut envoys.migrated,
                            false => &mut envoys.sites,
                        };
                        found.push(EnvoySite {
                            stack,
                            task: task.clone(),
                            container,
                            path: node,
                        });
                    }
                }
            }
        }
    }
    envoys
}

/// Whether a container is an Envoy as [`replace`] and [`EnvoyContainer`] make it.
fn has_bootstrap(container: &Json) -> bool {
    let role = container.pointer(&format!("/DockerLabels/{}", labels::ROLE.replace('/', "~1")));
    role.and_then(Json::as_str) == Some(labels::ROLE_ENVOY) && container["Command"][0] == BOOTSTRAP_OPTION
}

/// What a container says about its virtual node.
enum NodeReading {
    NoEnvoy,
    Known(ResourcePath),
    Unknown(String),
}

fn node(stacks: &Stacks<'_>, stack: usize, task: &Json, container: &Json) -> NodeReading {
    let variables = || {
        container
            .get("Environment")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
    };
    let text = |json: &Json, key: &str| stacks.text(stack, json.get(key)?);
    let variable = |wanted: &str| variables().find(|variable| text(variable, "Name").as_deref() == Some(wanted));
    let given = NODE_VARIABLES.iter().find_map(|name| {
        let value = variable(name)?.get("Value")?;
        (stacks.text(stack, value).as_deref() != Some("")).then_some((name, value))
    });
    let image = text(container, "Image").unwrap_or_default();
    let by_image = image.contains("aws-appmesh-envoy") || image.contains("/aws/service/appmesh/envoy");
    let proxy = task.pointer("/ProxyConfiguration/ContainerName");
    let name = text(container, "Name");
    let by_proxy = name.is_some() && proxy.and_then(|proxy| stacks.text(stack, proxy)) == name;
    let Some((name, value)) = given else {
        return match by_image || by_proxy {
            false => NodeReading::NoEnvoy,
            true => NodeReading::Unknown(format!(
                "is an Envoy of App Mesh without a virtual node or virtual gateway; set {APPMESH_RESOURCE_ARN}"
            )),
        };
    };
    let Some(text) = stacks.text(stack, value).or_else(|| known_end(stacks, stack, value)) else {
        return NodeReading::Unknown(format!(
            "has a value of {name} that is not known; set the parameters with --parameter NAME=VALUE, or give the template \
             of the stack that exports it with --template"
        ));
    };
    match ResourcePath::parse(&text) {
        Some(path) if matches!(path.kind, Kind::VirtualNode | Kind::VirtualGateway) => NodeReading::Known(path),
        _ => NodeReading::Unknown(format!(
            "has {name} = `{text}`; expected an ARN, mesh/MESH/virtualNode/NAME or mesh/MESH/virtualGateway/NAME"
        )),
    }
}

/// The path at the end of an ARN whose region and account are not known.
fn known_end(stacks: &Stacks<'_>, stack: usize, value: &Json) -> Option<String> {
    let rendered = cfn::evaluate::render(&stacks.valued(stack, value)?);
    let start = rendered.find(":mesh/")?;
    let path = &rendered[start + 1..];
    (!path.contains("${")).then(|| path.to_owned())
}

/// How the Envoys of a mesh find their control plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlaneAddress {
    /// The host: a text for `Fn::Sub`, which may contain a reference.
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// What the Envoys of a migration get.
pub(crate) struct EnvoySettings<'e> {
    pub(crate) image: &'e Json,
    pub(crate) listeners: &'e [u16],
    pub(crate) address: &'e PlaneAddress,
}

/// Gives the container an image, a bootstrap and a health check.
pub(crate) fn replace(
    stacks: &Stacks<'_>,
    site: &EnvoySite,
    settings: &EnvoySettings<'_>,
    template: &mut Template,
    changes: &mut Changes,
) {
    let stack = &stacks.sources()[site.stack].name;
    let target = (stack.as_str(), site.task.as_str(), ecs::TaskDefinition::KIND);
    let is_gateway = site.path.kind == Kind::VirtualGateway;
    let Some(resource) = template.resources.get_mut(&site.task) else {
        return;
    };
    adjust_proxy(is_gateway, &mut resource.properties, target, changes);
    let Some(container) = resource
        .properties
        .pointer_mut(&format!("/ContainerDefinitions/{}", site.container))
    else {
        return;
    };
    let name = container.get("Name").map(scalar_text).unwrap_or_default();
    let declared = &stacks.sources()[site.stack].template.resources[&site.task].properties;
    let declared = &declared["ContainerDefinitions"][site.container];
    let environment = Environment::read(stacks, site.stack, declared, container);
    let bootstrap = bootstrap(site, settings, environment.sds.clone());
    let mut command = vec![Json::from(BOOTSTRAP_OPTION), bootstrap];
    for (option, value) in [
        ("--log-level", &environment.log_level),
        ("--concurrency", &environment.concurrency),
    ] {
        if let Some(value) = value {
            command.extend([Json::from(option), Json::from(value.as_str())]);
        }
    }
    let Json::Object(properties) = container else { return };
    properties.shift_remove("EntryPoint");
    properties.insert("Image".to_owned(), settings.image.clone());
    properties.insert("Command".to_owned(), Json::from(command));
    properties.insert("User".to_owned(), Json::from(ENVOY_USER));
    properties.insert("HealthCheck".to_owned(), EnvoyContainer::health_check());
    let mut variables = environment.kept;
    variables.push(json!({"Name": APPMESH_RESOURCE_ARN, "Value": site.path.to_string()}));
    properties.insert("Environment".to_owned(), Json::from(variables));
    let role = json!({labels::ROLE: labels::ROLE_ENVOY});
    match properties.get_mut("DockerLabels") {
        Some(Json::Object(labels)) if intrinsic(&Json::Object(labels.clone())).is_none() => {
            labels.insert(labels::ROLE.to_owned(), Json::from(labels::ROLE_ENVOY));
        }
        _ => drop(properties.insert("DockerLabels".to_owned(), role)),
    }
    changes.add(
        target,
        ChangeKind::Changed,
        format!(
            "container `{name}` runs Envoy {} with a bootstrap of {}",
            EnvoyContainer::VERSION,
            site.path
        ),
        "the agent in App Mesh's image connects only to App Mesh's management endpoint, which no longer responds",
    );
    for variable in &environment.without_effect {
        changes.add(
            target,
            ChangeKind::Removed,
            format!("variable {variable} of container `{name}`"),
            without_effect(variable),
        );
    }
    note_receivers(stacks, site, &environment.without_effect, target, changes);
}

/// Notes the containers of the task that received what the removed variables had Envoy send.
fn note_receivers(
    stacks: &Stacks<'_>,
    site: &EnvoySite,
    removed: &[String],
    target: (&str, &str, &str),
    changes: &mut Changes,
) {
    let declared = &stacks.sources()[site.stack].template.resources[&site.task].properties;
    let containers = declared["ContainerDefinitions"].as_array().into_iter().flatten();
    for container in containers {
        let text = |key: &str| {
            let value = container.get(key).and_then(|value| stacks.text(site.stack, value));
            value.unwrap_or_default()
        };
        let image = text("Image").to_ascii_lowercase();
        let is_receiver = |(word, variable): &&(&str, &str)| {
            image.contains(word) && removed.iter().any(|name| name.contains(variable))
        };
        if let Some((word, _)) = RECEIVERS.iter().find(is_receiver) {
            changes.add(
                target,
                ChangeKind::Kept,
                format!("container `{}`", text("Name")),
                format!("Envoy sends nothing to {word} any more; remove the container unless the application uses it"),
            );
        }
    }
}

fn without_effect(variable: &str) -> &'static str {
    match variable {
        _ if variable.contains("XRAY") || variable.contains("JAEGER") || variable.contains("DATADOG") => {
            "App Mesh's agent configured this tracer; Envoy's spans go to an OpenTelemetry collector instead, see \
             OtelCollector in docs/aws.md"
        }
        _ if variable.contains("STATSD") => {
            "App Mesh's agent configured this sink; read statistics from Envoy's admin page at 127.0.0.1:9901/stats"
        }
        _ => "only App Mesh's agent reads it",
    }
}

/// The variables of an Envoy container.
struct Environment {
    /// Those of other readers than the agent.
    kept: Vec<Json>,
    sds: Option<String>,
    log_level: Option<String>,
    concurrency: Option<String>,
    /// The names of removed variables without an equivalent.
    without_effect: Vec<String>,
}

impl Environment {
    /// `declared` is the container in the given template, whose references can be evaluated; `container` has them rewritten.
    fn read(stacks: &Stacks<'_>, stack: usize, declared: &Json, container: &Json) -> Self {
        let mut environment = Self {
            kept: Vec::new(),
            sds: None,
            log_level: None,
            concurrency: None,
            without_effect: Vec::new(),
        };
        let list = |json: &Json| {
            json.get("Environment")
                .and_then(Json::as_array)
                .cloned()
                .unwrap_or_default()
        };
        for (declared, rewritten) in list(declared).iter().zip(list(container)) {
            let text = |key: &str| stacks.text(stack, declared.get(key)?);
            let name = text("Name").unwrap_or_default();
            let value = text("Value").filter(|value| !value.is_empty());
            match name.as_str() {
                name if NODE_VARIABLES.contains(&name) || COVERED.contains(&name) => {}
                APPMESH_SDS_SOCKET_PATH => {
                    environment.sds = value;
                    environment.kept.push(rewritten);
                }
                "ENVOY_LOG_LEVEL" => environment.log_level = value,
                "ENVOY_CONCURRENCY" => environment.concurrency = value.filter(|value| !value.starts_with('-')),
                name if AGENT_VARIABLES.iter().any(|prefix| name.starts_with(prefix)) => {
                    environment.without_effect.push(name.to_owned());
                }
                _ => environment.kept.push(rewritten),
            }
        }
        environment
    }
}

/// The bootstrap in one line: a text, or an `Fn::Sub` if the host of the control plane is known only to AWS.
fn bootstrap(site: &EnvoySite, settings: &EnvoySettings<'_>, sds: Option<String>) -> Json {
    const HOST: &str = "\u{f8f0}host\u{f8f1}";
    let is_reference = settings.address.host.contains("${");
    let bootstrap = Bootstrap {
        node_id: site.path.to_string(),
        metadata: metadata(site, settings.listeners),
        xds: Upstream::Host {
            name: match is_reference {
                true => HOST.to_owned(),
                false => settings.address.host.clone(),
            },
            port: settings.address.port,
        },
        api_type: ApiType::DeltaGrpc,
        admin: Admin::Address((Ipv4Addr::LOCALHOST, EnvoyContainer::ADMIN_PORT).into()),
        sds: sds.map(PathBuf::from),
        dns_servers: Vec::new(),
        xds_security: envoy_bootstrap::XdsSecurity::default(),
        failover: None,
        reports_calls: true,
    };
    let text = bootstrap.to_json().to_string();
    match is_reference {
        true => json!({"Fn::Sub": escape_sub(&text).replace(HOST, &settings.address.host)}),
        false => Json::from(text),
    }
}

/// A sidecar has App Mesh's redirection; a gateway listens on its own ports.
fn metadata(site: &EnvoySite, listeners: &[u16]) -> NodeMetadata {
    let mut metadata = NodeMetadata::transparent_proxy();
    if site.path.kind == Kind::VirtualGateway {
        let ingress = listeners
            .iter()
            .map(|port| (ingress_listener(&port.to_string()), *port));
        metadata.listener_ports = ingress.chain([(egress_listener(), EGRESS_PORT)]).collect();
        metadata.extension.is_transparent_proxy = false;
    } else {
        // In a mesh that prefers IPv6 the default would be `::1`, on which containers often do not listen.
        metadata.extension.app_address = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    metadata
}

/// Sets the ports and the user of the redirection to those of the bootstrap; a gateway has none.
fn adjust_proxy(is_gateway: bool, task: &mut Json, target: (&str, &str, &str), changes: &mut Changes) {
    if is_gateway {
        let removed = task
            .as_object_mut()
            .and_then(|task| task.shift_remove("ProxyConfiguration"));
        if removed.is_some() {
            let reason =
                "the Envoy of a virtual gateway receives connections to its own ports, which nothing redirects";
            changes.add(target, ChangeKind::Removed, "ProxyConfiguration", reason);
        }
        return;
    }
    let Some(properties) = task.pointer_mut("/ProxyConfiguration/ProxyConfigurationProperties") else {
        let reason = "it is a sidecar, but ECS redirects no connections to it; unless the instance or the image does, \
                      applications bypass the mesh";
        changes.add(target, ChangeKind::Kept, "no ProxyConfiguration", reason);
        return;
    };
    let Json::Array(properties) = properties else { return };
    let wanted = [
        ("IgnoredUID", ENVOY_USER.to_owned()),
        ("ProxyIngressPort", INGRESS_PORT.to_string()),
        ("ProxyEgressPort", EGRESS_PORT.to_string()),
    ];
    for (name, value) in wanted {
        let found = properties.iter_mut().find(|property| property["Name"] == name);
        let is_set = found
            .as_ref()
            .is_some_and(|property| scalar_text(&property["Value"]) == value);
        if is_set {
            continue;
        }
        match found {
            Some(property) => property["Value"] = Json::from(value.as_str()),
            None => properties.push(json!({"Name": name, "Value": value})),
        }
        let what = format!("ProxyConfiguration: {name} = {value}");
        changes.add(
            target,
            ChangeKind::Changed,
            what,
            "the bootstrap of its Envoy has this value",
        );
    }
}
