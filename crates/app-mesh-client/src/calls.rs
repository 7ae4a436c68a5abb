//! The calls for a resource of any type.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_appmesh::error::SdkError;
use aws_sdk_appmesh::types::TagRef;
use mesh_model::app_mesh::{KeyCasing, Kind, ResourcePath, ResourceSpec};
use serde_json::{Map, Value as Json, json};

use crate::body::JsonBody;
use crate::client::{ApiClient, ClientError};

/// Sends a call for a resource, with its JSON.
macro_rules! send {
    ($self:ident, $action:literal, $path:expr, $body:expr, $call:expr) => {
        match $call.customize().interceptor($body.clone()).send().await {
            Ok(_) => Ok(()),
            Err(error) => Err($self.error($action, $path.to_string(), error)),
        }
    };
}

/// The names of a list, of all its pages.
macro_rules! names {
    ($self:ident, $subject:expr, $call:expr, $name:ident) => {{
        let mut items = $call.into_paginator().items().send();
        let mut names = Vec::new();
        loop {
            match items.next().await {
                Some(Ok(item)) => names.push(item.$name().to_owned()),
                Some(Err(error)) => return Err($self.error("list", $subject, error)),
                None => break,
            }
        }
        names
    }};
}

/// Calls the operation of a resource's type: `operation!(self, "describe", path, body, describe_mesh,
/// describe_virtual_node, …)`, in the order of the types below.
macro_rules! operation {
    ($self:ident, $action:literal, $path:ident, $body:ident, $mesh:ident, $node:ident, $router:ident, $route:ident,
     $service:ident, $gateway:ident, $gateway_route:ident) => {{
        let ResourcePath { mesh, parent, name, .. } = $path;
        let parent = parent.as_deref().unwrap_or_default();
        let client = &$self.client;
        match $path.kind {
            Kind::Mesh => send!($self, $action, $path, $body, client.$mesh().mesh_name(mesh)),
            Kind::VirtualNode => {
                let call = client.$node().mesh_name(mesh).virtual_node_name(name);
                send!($self, $action, $path, $body, call)
            }
            Kind::VirtualRouter => {
                let call = client.$router().mesh_name(mesh).virtual_router_name(name);
                send!($self, $action, $path, $body, call)
            }
            Kind::Route => {
                let call = client
                    .$route()
                    .mesh_name(mesh)
                    .virtual_router_name(parent)
                    .route_name(name);
                send!($self, $action, $path, $body, call)
            }
            Kind::VirtualService => {
                let call = client.$service().mesh_name(mesh).virtual_service_name(name);
                send!($self, $action, $path, $body, call)
            }
            Kind::VirtualGateway => {
                let call = client.$gateway().mesh_name(mesh).virtual_gateway_name(name);
                send!($self, $action, $path, $body, call)
            }
            Kind::GatewayRoute => {
                let call = client.$gateway_route().mesh_name(mesh).virtual_gateway_name(parent);
                send!($self, $action, $path, $body, call.gateway_route_name(name))
            }
        }
    }};
}

impl ApiClient {
    /// The names of all meshes.
    pub(crate) async fn mesh_names(&self) -> Result<Vec<String>, ClientError> {
        let call = self.client.list_meshes();
        Ok(names!(self, "the meshes".to_owned(), call, mesh_name))
    }

    /// The resources of a mesh, without the mesh itself.
    pub(crate) async fn contents(&self, mesh: &str) -> Result<Vec<ResourcePath>, ClientError> {
        let client = &self.client;
        let subject = |kind: &str| format!("the {kind} of mesh/{mesh}");
        let mut paths = Vec::new();
        let mut add = |kind, names: Vec<String>| {
            paths.extend(names.iter().map(|name| ResourcePath::new(mesh, kind, name)));
        };
        let call = client.list_virtual_nodes().mesh_name(mesh);
        add(
            Kind::VirtualNode,
            names!(self, subject("virtual nodes"), call, virtual_node_name),
        );
        let call = client.list_virtual_services().mesh_name(mesh);
        add(
            Kind::VirtualService,
            names!(self, subject("virtual services"), call, virtual_service_name),
        );
        let call = client.list_virtual_routers().mesh_name(mesh);
        let routers = names!(self, subject("virtual routers"), call, virtual_router_name);
        add(Kind::VirtualRouter, routers.clone());
        let call = client.list_virtual_gateways().mesh_name(mesh);
        let gateways = names!(self, subject("virtual gateways"), call, virtual_gateway_name);
        add(Kind::VirtualGateway, gateways.clone());
        for router in &routers {
            let call = client.list_routes().mesh_name(mesh).virtual_router_name(router);
            let routes = names!(self, subject("routes"), call, route_name);
            paths.extend(
                routes
                    .iter()
                    .map(|name| ResourcePath::within(mesh, router, Kind::Route, name)),
            );
        }
        for gateway in &gateways {
            let call = client
                .list_gateway_routes()
                .mesh_name(mesh)
                .virtual_gateway_name(gateway);
            let routes = names!(self, subject("gateway routes"), call, gateway_route_name);
            let path = |name: &String| ResourcePath::within(mesh, gateway, Kind::GatewayRoute, name);
            paths.extend(routes.iter().map(path));
        }
        Ok(paths)
    }

    /// The body of a describe response. `None` if the resource does not exist.
    pub(crate) async fn describe(&self, path: &ResourcePath) -> Result<Option<String>, ClientError> {
        let body = JsonBody::default();
        let described = operation!(
            self,
            "describe",
            path,
            body,
            describe_mesh,
            describe_virtual_node,
            describe_virtual_router,
            describe_route,
            describe_virtual_service,
            describe_virtual_gateway,
            describe_gateway_route
        );
        match described {
            Ok(()) => Ok(body.response()),
            Err(error) if error.code() == Some("NotFoundException") => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn create(
        &self,
        path: &ResourcePath,
        spec: &ResourceSpec,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), ClientError> {
        let mut members = spec_member(spec);
        if !tags.is_empty() {
            let tags = tags.iter().map(|(key, value)| json!({"key": key, "value": value}));
            members.insert("tags".to_owned(), tags.collect());
        }
        let body = JsonBody::with_members(members);
        operation!(
            self,
            "create",
            path,
            body,
            create_mesh,
            create_virtual_node,
            create_virtual_router,
            create_route,
            create_virtual_service,
            create_virtual_gateway,
            create_gateway_route
        )
    }

    pub(crate) async fn update(&self, path: &ResourcePath, spec: &ResourceSpec) -> Result<(), ClientError> {
        let body = JsonBody::with_members(spec_member(spec));
        operation!(
            self,
            "update",
            path,
            body,
            update_mesh,
            update_virtual_node,
            update_virtual_router,
            update_route,
            update_virtual_service,
            update_virtual_gateway,
            update_gateway_route
        )
    }

    pub(crate) async fn delete(&self, path: &ResourcePath) -> Result<(), ClientError> {
        let body = JsonBody::default();
        operation!(
            self,
            "delete",
            path,
            body,
            delete_mesh,
            delete_virtual_node,
            delete_virtual_router,
            delete_route,
            delete_virtual_service,
            delete_virtual_gateway,
            delete_gateway_route
        )
    }

    pub(crate) async fn tags(&self, path: &ResourcePath, arn: &str) -> Result<BTreeMap<String, String>, ClientError> {
        let mut items = self
            .client
            .list_tags_for_resource()
            .resource_arn(arn)
            .into_paginator()
            .items()
            .send();
        let mut tags = BTreeMap::new();
        while let Some(tag) = items.next().await {
            let tag = tag.map_err(|error| self.error("list the tags of", path.to_string(), error))?;
            tags.insert(tag.key, tag.value);
        }
        Ok(tags)
    }

    /// Adds or replaces tags, and removes those with the keys of `removed`.
    pub(crate) async fn change_tags(
        &self,
        path: &ResourcePath,
        arn: &str,
        set: &BTreeMap<String, String>,
        removed: &BTreeSet<String>,
    ) -> Result<(), ClientError> {
        if !removed.is_empty() {
            let call = self.client.untag_resource().resource_arn(arn);
            let call = call.set_tag_keys(Some(removed.iter().cloned().collect()));
            let untagged = call.send().await;
            untagged.map_err(|error| self.error("remove tags of", path.to_string(), error))?;
        }
        if !set.is_empty() {
            let tag = |(key, value): (&String, &String)| TagRef::builder().key(key).value(value).build();
            let call = self.client.tag_resource().resource_arn(arn);
            let tagged = match set.iter().map(tag).collect::<Result<Vec<_>, _>>() {
                Ok(tags) => call.set_tags(Some(tags)).send().await,
                Err(error) => Err(SdkError::construction_failure(error)),
            };
            tagged.map_err(|error| self.error("tag", path.to_string(), error))?;
        }
        Ok(())
    }
}

fn spec_member(spec: &ResourceSpec) -> Map<String, Json> {
    Map::from_iter([("spec".to_owned(), spec.write(KeyCasing::Camel))])
}
