//! What parameters and resources answer to `Ref` and `Fn::GetAtt` when the stack is this machine.
//!
//! The forms are CloudFormation's (return values of each resource type, read 2026-11-23), with a region and an
//! account that cannot be mistaken for real ones.

use mesh_infra::cfn::unknown;
use serde_json::{Value as Json, json};

use super::{Evaluation, Progress, RUN, has_unknown, is_refused, text_of, wrong};

/// The region of everything that runs here.
pub(crate) const REGION: &str = "local";
/// The account of everything that runs here.
pub(crate) const ACCOUNT: &str = "000000000000";

impl Evaluation<'_> {
    pub(super) fn reference(&self, name: &str, path: &str, progress: &mut Progress<'_>) -> Json {
        if let Some(value) = self.pseudo_parameter(name) {
            return value;
        }
        if let Some(value) = self.parameters.get(name) {
            return value.clone();
        }
        let Some(resource) = self.template.resources.get(name) else {
            return wrong(
                path,
                &format!("refers to `{name}`, which is neither a parameter nor a resource"),
                progress,
            );
        };
        if !self.is_there(name, progress) {
            return left_out(name, path, progress);
        }
        match resource.kind.as_str() {
            "AWS::ECS::Cluster" => Json::from(self.name_of(name, "ClusterName", path, progress)),
            "AWS::ECS::TaskDefinition" => {
                let family = self.name_of(name, "Family", path, progress);
                arn("ecs", &format!("task-definition/{family}:1"))
            }
            "AWS::ECS::Service" => self.service_arn(name, path, progress),
            "AWS::ServiceDiscovery::HttpNamespace" => Json::from(namespace_id(name)),
            // That it cannot be run is the problem; what it would have answered is none of its own.
            kind if is_refused(kind) => unknown(),
            // What is not simulated has no value here; its logical id says at least where the text came from.
            _ => Json::from(name),
        }
    }

    pub(super) fn attribute(&self, name: &str, attribute: &str, path: &str, progress: &mut Progress<'_>) -> Json {
        let Some(resource) = self.template.resources.get(name) else {
            return wrong(path, &format!("refers to `{name}`, which is no resource"), progress);
        };
        if !self.is_there(name, progress) {
            return left_out(name, path, progress);
        }
        match (resource.kind.as_str(), attribute) {
            ("AWS::ECS::Cluster", "Arn") => {
                let cluster = self.name_of(name, "ClusterName", path, progress);
                arn("ecs", &format!("cluster/{cluster}"))
            }
            ("AWS::ECS::TaskDefinition", "TaskDefinitionArn") => self.reference(name, path, progress),
            ("AWS::ECS::Service", "Name") => Json::from(self.name_of(name, "ServiceName", path, progress)),
            ("AWS::ECS::Service", "ServiceArn") => self.service_arn(name, path, progress),
            ("AWS::ServiceDiscovery::HttpNamespace", "Id") => Json::from(namespace_id(name)),
            ("AWS::ServiceDiscovery::HttpNamespace", "Arn") => {
                arn("servicediscovery", &format!("namespace/{}", namespace_id(name)))
            }
            (kind, _) if is_refused(kind) => unknown(),
            (kind, _) if RUN.contains(&kind) => wrong(
                path,
                &format!("`{name}` is an {kind}, which has no attribute `{attribute}` here"),
                progress,
            ),
            _ => Json::from(format!("{name}.{attribute}")),
        }
    }

    fn pseudo_parameter(&self, name: &str) -> Option<Json> {
        Some(match name {
            "AWS::Region" => Json::from(REGION),
            "AWS::AccountId" => Json::from(ACCOUNT),
            "AWS::Partition" => Json::from("aws"),
            "AWS::URLSuffix" => Json::from("amazonaws.com"),
            "AWS::StackName" => Json::from(self.stack),
            "AWS::StackId" => arn("cloudformation", &format!("stack/{}/local", self.stack)),
            "AWS::NotificationARNs" => json!([]),
            _ => return None,
        })
    }

    fn service_arn(&self, name: &str, path: &str, progress: &mut Progress<'_>) -> Json {
        let service = self.name_of(name, "ServiceName", path, progress);
        arn("ecs", &format!("service/{service}"))
    }

    /// The name a resource is given in its properties, or else one made from the stack and the logical id, as
    /// CloudFormation makes them.
    fn name_of(&self, logical_id: &str, property: &str, path: &str, progress: &mut Progress<'_>) -> String {
        let generated = || format!("{}-{logical_id}", self.stack);
        let given = self
            .template
            .resources
            .get(logical_id)
            .and_then(|resource| resource.properties.get(property));
        let Some(given) = given else { return generated() };
        if let Some(name) = self.found.borrow().names.get(logical_id) {
            return name.clone();
        }
        if progress.visiting.iter().any(|visited| visited == logical_id) {
            let circle = format!("{} -> {logical_id}", progress.visiting.join(" -> "));
            wrong(path, &format!("depends on itself: {circle}"), progress);
            return generated();
        }
        progress.visiting.push(logical_id.to_owned());
        let name = self
            .value(
                given,
                &format!("Resources.{logical_id}.Properties.{property}"),
                progress,
            )
            .filter(|name| !has_unknown(name))
            .map_or_else(generated, |name| text_of(&name));
        progress.visiting.pop();
        let name = shortened(name, path, progress);
        self.found
            .borrow_mut()
            .names
            .insert(logical_id.to_owned(), name.clone());
        name
    }
}

/// A name of no more than the longest that AWS allows anywhere: names made of names must not grow without bound.
fn shortened(name: String, path: &str, progress: &mut Progress<'_>) -> String {
    const MOST: usize = 1024;
    let length = name.chars().count();
    if length <= MOST {
        return name;
    }
    wrong(
        path,
        &format!("is a name of {length} characters; allowed are {MOST}"),
        progress,
    );
    name.chars().take(MOST).collect()
}

fn left_out(name: &str, path: &str, progress: &mut Progress<'_>) -> Json {
    wrong(
        path,
        &format!("refers to `{name}`, which its condition leaves out"),
        progress,
    )
}

fn namespace_id(logical_id: &str) -> String {
    format!("ns-{}", logical_id.to_ascii_lowercase())
}

fn arn(service: &str, resource: &str) -> Json {
    Json::from(format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"))
}
