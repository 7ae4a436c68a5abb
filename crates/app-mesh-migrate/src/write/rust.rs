//! Meshes as Rust source: a program that describes them with `mesh-infra` and prints their template.
//!
//! What a construct has a method for is written with it; a resource with anything else has its whole spec as JSON.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use mesh_model::app_mesh::listener::Listener;
use mesh_model::app_mesh::logging::{AccessLog, Logging};
use mesh_model::app_mesh::matching::HttpPathMatch;
use mesh_model::app_mesh::mesh::EgressFilterType;
use mesh_model::app_mesh::route::{HttpRoute, WeightedTarget};
use mesh_model::app_mesh::virtual_node::{Backend, DnsResponseType, ServiceDiscovery};
use mesh_model::app_mesh::virtual_service::VirtualServiceProvider;
use mesh_model::app_mesh::{
    KeyCasing, Kind, MeshSpec, Protocol, ResourcePath, ResourceSpec, RouteSpec, VirtualGatewaySpec, VirtualNodeSpec,
    VirtualRouterSpec, VirtualServiceSpec,
};
use serde_json::Value as Json;
use sidecar_contract::{Diagnostics, ValidationErrors};

use super::ids::{Item, items};
use super::templates::to_template;
use crate::meshes::Meshes;

/// The source of a program whose template, of the stack with this name, is the same as that of [`to_template`].
///
/// It needs the crates `mesh-infra` and, if a spec is written as JSON, `serde_json`.
///
/// # Errors
///
/// As [`to_template`], with parameters as encoding.
pub fn to_rust(meshes: &Meshes, stack: &str) -> Result<String, ValidationErrors> {
    to_template(meshes, stack, mesh_infra::MeshEncoding::Parameters)?;
    let mut diagnostics = Diagnostics::new();
    let items = items(meshes, &mut diagnostics);
    let mut writer = Writer::new(&items);
    for item in &items {
        writer.add(item);
    }
    diagnostics.into_result(writer.finish(stack))
}

/// Characters of a line.
const MAX_LINE: usize = 110;
/// Stands before each method of a chain until the statement is written. Names contain it only as an escape.
const CHAIN: char = '\u{1}';

struct Writer<'w> {
    items: &'w [Item<'w>],
    /// The resources whose handle another one needs.
    used: BTreeSet<ResourcePath>,
    /// The names that are imported from `mesh_infra`.
    imports: BTreeSet<&'static str>,
    /// The names that are imported from `mesh_infra::app_mesh`.
    model: BTreeSet<&'static str>,
    statements: String,
    has_json: bool,
}

impl<'w> Writer<'w> {
    fn new(items: &'w [Item<'w>]) -> Self {
        let mut writer = Self {
            items,
            used: BTreeSet::new(),
            imports: BTreeSet::new(),
            model: BTreeSet::new(),
            statements: String::new(),
            has_json: false,
        };
        // What a statement refers to is known once it is written.
        for item in items {
            let _ = writer.expression(item);
        }
        writer.imports.clear();
        writer.model.clear();
        writer.has_json = false;
        writer
    }

    fn add(&mut self, item: &Item<'_>) {
        let expression = self.expression(item);
        let add = format!("stack.add({:?}, {expression});", item.id);
        let statement = match self.used.contains(item.path) {
            true => format!("let {} = {add}", variable(item)),
            false => add,
        };
        // A long chain of methods has one per line.
        let is_long = statement.chars().count() > MAX_LINE && !statement.contains('\n');
        let statement = statement.replace(CHAIN, if is_long { "\n            " } else { "" });
        let _infallible = writeln!(self.statements, "    {statement}");
        if !item.document.tags.is_empty() {
            self.has_json = true;
            let tags: Vec<String> = item
                .document
                .tags
                .iter()
                .map(|(key, value)| format!("{{\"Key\": {key:?}, \"Value\": {value:?}}}"))
                .collect();
            let _infallible = writeln!(
                self.statements,
                "    stack.override_property({:?}, \"Tags\", json!([{}]));",
                item.logical_id(),
                tags.join(", ")
            );
        }
    }

    /// The construct of a resource.
    fn expression(&mut self, item: &Item<'_>) -> String {
        let path = item.path;
        let of_mesh = |writer: &mut Self| writer.handle(&ResourcePath::of_mesh(&path.mesh));
        let name = format!("{:?}", path.name);
        match &item.document.spec {
            ResourceSpec::Mesh(spec) => {
                self.imports.insert("Mesh");
                self.mesh(spec, &name)
            }
            ResourceSpec::VirtualNode(spec) => {
                self.imports.insert("VirtualNode");
                let mesh = of_mesh(self);
                let methods = self.virtual_node(spec);
                self.with_methods(methods, "VirtualNode", &mesh, &name, &item.document.spec)
            }
            ResourceSpec::VirtualRouter(spec) => {
                self.imports.insert("VirtualRouter");
                let mesh = of_mesh(self);
                let methods = self.virtual_router(spec);
                self.with_methods(Some(methods), "VirtualRouter", &mesh, &name, &item.document.spec)
            }
            ResourceSpec::VirtualService(spec) => {
                self.imports.insert("VirtualService");
                let mesh = of_mesh(self);
                let methods = self.virtual_service(spec, path);
                self.with_methods(methods, "VirtualService", &mesh, &name, &item.document.spec)
            }
            ResourceSpec::VirtualGateway(spec) => {
                self.imports.insert("VirtualGateway");
                let mesh = of_mesh(self);
                let methods = self.virtual_gateway(spec);
                self.with_methods(methods, "VirtualGateway", &mesh, &name, &item.document.spec)
            }
            ResourceSpec::Route(spec) => self.route(spec, path, &name, &item.document.spec),
            ResourceSpec::GatewayRoute(spec) => {
                let (construct, kind, constructor) = match (&spec.http_route, &spec.http2_route) {
                    (Some(_), _) => ("HttpGatewayRoute", "http_route", "from_spec"),
                    (None, Some(_)) => ("HttpGatewayRoute", "http2_route", "http2_from_spec"),
                    (None, None) => ("GrpcGatewayRoute", "grpc_route", "from_spec"),
                };
                let parent = self.parent(path, Kind::VirtualGateway);
                self.part_from_json(
                    construct,
                    constructor,
                    kind,
                    &parent,
                    &name,
                    &item.document.spec,
                    spec.priority,
                )
            }
        }
    }

    /// The construct with methods, or from its spec if there are none.
    fn with_methods(
        &mut self,
        methods: Option<String>,
        construct: &str,
        mesh: &str,
        name: &str,
        spec: &ResourceSpec,
    ) -> String {
        match methods {
            Some(methods) => format!("{construct}::new({mesh}, {name}){methods}"),
            None => format!("{construct}::from_spec({mesh}, {name}, {}?)", self.json(spec)),
        }
    }

    fn mesh(&mut self, spec: &MeshSpec, name: &str) -> String {
        let preference = spec.service_discovery.as_ref().map(|discovery| discovery.ip_preference);
        let filter = spec.egress_filter.as_ref().map(|filter| match filter.kind {
            EgressFilterType::AllowAll => "EgressFilterType::AllowAll",
            EgressFilterType::DropAll => "EgressFilterType::DropAll",
        });
        if preference.is_some() {
            return format!(
                "Mesh::from_spec({name}, {}?)",
                self.json(&ResourceSpec::Mesh(spec.clone()))
            );
        }
        match filter {
            Some(filter) => {
                self.model.insert("mesh::EgressFilterType");
                format!("Mesh::new({name})\u{1}.with_egress_filter({filter})")
            }
            None => format!("Mesh::new({name})"),
        }
    }

    fn virtual_node(&mut self, spec: &VirtualNodeSpec) -> Option<String> {
        let mut methods = self.listeners(&spec.listeners)?;
        match &spec.service_discovery {
            None => {}
            Some(ServiceDiscovery::Dns(dns)) if dns.ip_preference.is_none() => {
                let method = match dns.response_type? {
                    DnsResponseType::Loadbalancer => "with_dns_discovery",
                    DnsResponseType::Endpoints => "with_dns_endpoints",
                };
                let _infallible = write!(methods, "\u{1}.{method}({:?})", dns.hostname);
            }
            Some(ServiceDiscovery::AwsCloudMap(map)) if map.ip_preference.is_none() && map.attributes.is_empty() => {
                let (namespace, service) = (&map.namespace_name, &map.service_name);
                let _infallible = write!(methods, "\u{1}.with_cloud_map_discovery({namespace:?}, {service:?})");
            }
            Some(_) => return None,
        }
        for Backend::VirtualService(backend) in &spec.backends {
            if backend.client_policy.is_some() {
                return None;
            }
            let _infallible = write!(methods, "\u{1}.with_backend({:?})", backend.virtual_service_name);
        }
        if spec.backend_defaults.is_some() {
            return None;
        }
        methods.push_str(&access_log(spec.logging.as_ref())?);
        Some(methods)
    }

    fn virtual_gateway(&mut self, spec: &VirtualGatewaySpec) -> Option<String> {
        if spec.backend_defaults.is_some() || spec.logging.is_some() {
            return None;
        }
        self.listeners(&spec.listeners)
    }

    /// Listeners with a port and a protocol only.
    fn listeners(&mut self, listeners: &[Listener]) -> Option<String> {
        let mut methods = String::new();
        for listener in listeners {
            let is_plain = listener.tls.is_none()
                && listener.health_check.is_none()
                && listener.timeout.is_none()
                && listener.connection_pool.is_none()
                && listener.outlier_detection.is_none();
            if !is_plain {
                return None;
            }
            self.imports.insert("Listener");
            let (port, protocol) = (listener.port_mapping.port, listener.port_mapping.protocol);
            let _infallible = write!(methods, "\u{1}.with_listener(Listener::{protocol}({port}))");
        }
        Some(methods)
    }

    fn virtual_router(&mut self, spec: &VirtualRouterSpec) -> String {
        let mut methods = String::new();
        for listener in &spec.listeners {
            self.model.insert("Protocol");
            let protocol = match listener.port_mapping.protocol {
                Protocol::Http => "Http",
                Protocol::Http2 => "Http2",
                Protocol::Grpc => "Grpc",
                Protocol::Tcp => "Tcp",
            };
            let port = listener.port_mapping.port;
            let _infallible = write!(methods, "\u{1}.with_listener({port}, Protocol::{protocol})");
        }
        methods
    }

    fn virtual_service(&mut self, spec: &VirtualServiceSpec, path: &ResourcePath) -> Option<String> {
        let (method, kind, name) = match &spec.provider {
            None => return Some(String::new()),
            Some(VirtualServiceProvider::VirtualNode(node)) => {
                ("with_provider_node", Kind::VirtualNode, &node.virtual_node_name)
            }
            Some(VirtualServiceProvider::VirtualRouter(router)) => {
                ("with_provider_router", Kind::VirtualRouter, &router.virtual_router_name)
            }
        };
        let provider = self.existing(&ResourcePath::new(&path.mesh, kind, name))?;
        Some(format!("\u{1}.{method}({provider})"))
    }

    fn route(&mut self, spec: &RouteSpec, path: &ResourcePath, name: &str, whole: &ResourceSpec) -> String {
        let router = self.parent(path, Kind::VirtualRouter);
        let (construct, kind, constructor, simple) = match (&spec.http_route, &spec.http2_route, &spec.grpc_route) {
            (Some(route), ..) => ("HttpRoute", "http_route", "from_spec", Some(("new", route))),
            (None, Some(route), _) => ("HttpRoute", "http2_route", "http2_from_spec", Some(("http2", route))),
            (None, None, Some(_)) => ("GrpcRoute", "grpc_route", "from_spec", None),
            (None, None, None) => ("TcpRoute", "tcp_route", "from_spec", None),
        };
        if let Some((constructor, route)) = simple
            && let Some(methods) = self.http_route(route, path)
        {
            self.imports.insert(construct);
            let priority = priority(spec.priority);
            return format!("{construct}::{constructor}({router}, {name}){methods}{priority}");
        }
        self.part_from_json(construct, constructor, kind, &router, name, whole, spec.priority)
    }

    fn http_route(&mut self, route: &HttpRoute, path: &ResourcePath) -> Option<String> {
        let matching = &route.matching;
        let is_plain = matching.method.is_none()
            && matching.scheme.is_none()
            && matching.headers.is_empty()
            && matching.query_parameters.is_empty()
            && route.retry_policy.is_none()
            && route.timeout.is_none()
            && route.mirrors.is_empty();
        if !is_plain {
            return None;
        }
        let mut methods = String::new();
        if let Some(prefix) = &matching.prefix {
            let _infallible = write!(methods, "\u{1}.with_prefix({prefix:?})");
        }
        match &matching.path {
            None => {}
            Some(HttpPathMatch {
                exact: Some(exact),
                regex: None,
            }) => {
                let _infallible = write!(methods, "\u{1}.with_path({exact:?})");
            }
            Some(HttpPathMatch {
                exact: None,
                regex: Some(regex),
            }) => {
                let _infallible = write!(methods, "\u{1}.with_path_regex({regex:?})");
            }
            Some(_) => return None,
        }
        if let Some(port) = matching.port {
            let _infallible = write!(methods, "\u{1}.with_port({port})");
        }
        for WeightedTarget {
            virtual_node,
            weight,
            port,
        } in &route.action.weighted_targets
        {
            let node = self.existing(&ResourcePath::new(&path.mesh, Kind::VirtualNode, virtual_node))?;
            let _infallible = match port {
                None => write!(methods, "\u{1}.with_target({node}, {weight})"),
                Some(port) => write!(methods, "\u{1}.with_target_port({node}, {port}, {weight})"),
            };
        }
        Some(methods)
    }

    /// A route from the part of its spec that the construct takes.
    #[expect(clippy::too_many_arguments, reason = "they are the parts of one expression")]
    fn part_from_json(
        &mut self,
        construct: &'static str,
        constructor: &str,
        kind: &str,
        parent: &str,
        name: &str,
        spec: &ResourceSpec,
        priority_value: Option<u32>,
    ) -> String {
        self.imports.insert(construct);
        let json = self.json(spec);
        let spec_type = match spec {
            ResourceSpec::Route(_) => "RouteSpec",
            _ => "GatewayRouteSpec",
        };
        self.model.insert(spec_type);
        let read = format!("{json}.map(|spec: {spec_type}| spec.{kind})?.expect(\"the spec above has it\")");
        format!(
            "{construct}::{constructor}({parent}, {name}, {read}){}",
            priority(priority_value)
        )
    }

    /// A spec as JSON.
    fn json(&mut self, spec: &ResourceSpec) -> String {
        self.has_json = true;
        let mut document = String::new();
        write_literal(&spec.write(KeyCasing::Camel), 1, &mut document);
        format!("spec(json!({document}))")
    }

    /// The handle of the router or gateway of a route.
    fn parent(&mut self, path: &ResourcePath, kind: Kind) -> String {
        let parent = path.parent.as_deref().unwrap_or_default();
        self.handle(&ResourcePath::new(&path.mesh, kind, parent))
    }

    /// A reference to the handle of a resource that was read.
    fn handle(&mut self, path: &ResourcePath) -> String {
        self.existing(path).unwrap_or_default()
    }

    fn existing(&mut self, path: &ResourcePath) -> Option<String> {
        let item = self.items.iter().find(|item| item.path == path)?;
        self.used.insert(path.clone());
        Some(format!("&{}", variable(item)))
    }

    fn finish(self, stack: &str) -> String {
        let mut imports: BTreeSet<&str> = self.imports;
        imports.extend(["Stack", "ValidationErrors"]);
        let mut model: BTreeSet<&str> = self.model;
        let mut source = format!("//! The mesh of the stack `{stack}`. Prints its CloudFormation template.\n\n");
        if self.has_json {
            model.extend(["KeyCasing", "Spec"]);
        }
        if !model.is_empty() {
            let names: Vec<&str> = model.into_iter().collect();
            let _infallible = writeln!(source, "use mesh_infra::app_mesh::{{{}}};", names.join(", "));
        }
        let names: Vec<&str> = imports.into_iter().collect();
        let _infallible = writeln!(source, "use mesh_infra::{{{}}};", names.join(", "));
        if self.has_json {
            source.push_str("use serde_json::{Value, json};\n");
        }
        let _infallible = write!(
            source,
            "\nfn main() -> Result<(), ValidationErrors> {{\n    let mut stack = Stack::new({stack:?});\n    describe(&mut \
             stack)?;\n    print!(\"{{}}\", stack.synth()?.to_json());\n    Ok(())\n}}\n\n/// Adds everything to the \
             stack.\n///\n/// # Errors\n///\n/// Specs that are invalid after a change.\npub fn describe(stack: &mut Stack) -> Result<(), ValidationErrors> {{\n{}    Ok(())\n}}\n",
            self.statements
        );
        if self.has_json {
            source.push_str(
                "\n/// Reads a spec in the JSON of the App Mesh API.\nfn spec<S: Spec>(document: Value) -> Result<S, \
                 ValidationErrors> {\n    S::read(&document, KeyCasing::Camel, \"spec\")\n}\n",
            );
        }
        source
    }
}

/// Writes a value as the argument of `json!`: texts with Rust's escapes, and numbers with a type where the default is too
/// small.
fn write_literal(json: &Json, depth: usize, out: &mut String) {
    let indent = "    ".repeat(depth);
    match json {
        Json::Object(object) if object.is_empty() => out.push_str("{}"),
        Json::Object(object) => {
            out.push_str("{\n");
            for (key, value) in object {
                let _infallible = write!(out, "{indent}    {key:?}: ");
                write_literal(value, depth + 1, out);
                out.push_str(",\n");
            }
            let _infallible = write!(out, "{indent}}}");
        }
        Json::Array(items) if items.is_empty() => out.push_str("[]"),
        Json::Array(items) => {
            out.push_str("[\n");
            for item in items {
                let _infallible = write!(out, "{indent}    ");
                write_literal(item, depth + 1, out);
                out.push_str(",\n");
            }
            let _infallible = write!(out, "{indent}]");
        }
        Json::String(text) => {
            let _infallible = write!(out, "{text:?}");
        }
        Json::Number(number) => {
            let is_small = number.as_i64().is_some_and(|number| i32::try_from(number).is_ok());
            let _infallible = write!(out, "{number}{}", if is_small { "" } else { "i64" });
        }
        Json::Bool(_) | Json::Null => {
            let _infallible = write!(out, "{json}");
        }
    }
}

fn access_log(logging: Option<&Logging>) -> Option<String> {
    match logging {
        None => Some(String::new()),
        Some(Logging {
            access_log: Some(AccessLog::File(file)),
        }) if file.format.is_none() => Some(format!("\u{1}.with_access_log({:?})", file.path)),
        Some(_) => None,
    }
}

fn priority(priority: Option<u32>) -> String {
    priority.map_or_else(String::new, |priority| format!("\u{1}.with_priority({priority})"))
}

/// The variable of a handle: the id in snake case, after the kind, so that it is neither a keyword nor used twice.
fn variable(item: &Item<'_>) -> String {
    let kind = match item.path.kind {
        Kind::Mesh => "mesh",
        Kind::VirtualNode => "node",
        Kind::VirtualRouter => "router",
        Kind::Route => "route",
        Kind::VirtualService => "service",
        Kind::VirtualGateway => "gateway",
        Kind::GatewayRoute => "gateway_route",
    };
    let id = item.id.to_ascii_lowercase().replace('-', "_");
    let words: Vec<&str> = id.split('_').filter(|word| !word.is_empty()).collect();
    format!("{kind}_{}", words.join("_"))
}
