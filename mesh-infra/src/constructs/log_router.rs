//! The log router of a task, which FireLens calls it.

use cfn::{Value, ecs};
use indexmap::IndexMap;

use super::{Container, LogDriver};
use crate::labels;

/// The container's name.
const LOG_ROUTER: &str = "log-router";
/// AWS's build of Fluent Bit, at the tag that AWS keeps at a version with good experience. Source: README of
/// aws/aws-for-fluent-bit, "Using the stable tag" (read 2026-11-30).
const IMAGE: &str = "public.ecr.aws/aws-observability/aws-for-fluent-bit:stable";
/// MiB that are reserved for it, decided by us as in AWS's examples.
const MEMORY: u32 = 50;

/// A container with Fluent Bit that receives the output of other containers and sends it on: to CloudWatch Logs, Amazon
/// Data Firehose, OpenSearch, Datadog or any other output of Fluent Bit. ECS calls this FireLens.
///
/// Containers use it by [`LogDriver::firelens`]; [`LogRouter::with_default`] sets the driver of all that have none, Envoys
/// included. ECS starts the router first and stops it last. Its own output goes to the log group of the service.
///
/// It calls AWS with the role of the task, so outputs of AWS need permissions:
/// [`TaskDefinition::with_task_permission`]. Its file system is writable and it runs as root, as in AWS's examples, because
/// Fluent Bit buffers in files and AWS does not document other users.
///
/// Source: ECS developer guide, "Send Amazon ECS logs to an AWS service or AWS Partner" (read 2026-11-30). The router
/// listens on port 24224, which tasks of the same network can reach.
///
/// The local runner does not start it: processes write to its log files.
///
/// [`TaskDefinition::with_task_permission`]: crate::TaskDefinition::with_task_permission
#[derive(Debug, Clone)]
pub struct LogRouter {
    image: Value<String>,
    options: IndexMap<String, Value<String>>,
    default: Option<LogDriver>,
    is_essential: bool,
}

impl LogRouter {
    /// A router with AWS's image of Fluent Bit, which tasks pull from ECR Public.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "constructs are made by `new`")]
    pub fn new() -> Self {
        Self {
            image: Value::from(IMAGE),
            options: IndexMap::from([("enable-ecs-log-metadata".to_owned(), Value::from("true"))]),
            default: None,
            is_essential: true,
        }
    }

    /// Sets the image: a copy in your own registry, or one with a configuration file. Default, decided by us:
    /// `public.ecr.aws/aws-observability/aws-for-fluent-bit:stable`. Tasks that reach AWS only by VPC endpoints cannot pull
    /// it.
    #[must_use]
    pub fn with_image(mut self, image: impl Into<Value<String>>) -> Self {
        self.image = image.into();
        self
    }

    /// Includes a configuration file of the image, such as `/fluent-bit/etc/extra.conf`. Default: none.
    #[must_use]
    pub fn with_config_file(mut self, path: impl Into<Value<String>>) -> Self {
        self.options.insert("config-file-type".to_owned(), Value::from("file"));
        self.options.insert("config-file-value".to_owned(), path.into());
        self
    }

    /// Sets whether cluster, task and container are added to each line. Default, decided by us as by ECS: they are.
    #[must_use]
    pub fn with_ecs_metadata(mut self, is_added: bool) -> Self {
        let value = Value::Known(is_added.to_string());
        self.options.insert("enable-ecs-log-metadata".to_owned(), value);
        self
    }

    /// Sets the driver of all containers of the task that have none. Default: the log group of the service.
    #[must_use]
    pub fn with_default(mut self, driver: LogDriver) -> Self {
        self.default = Some(driver);
        self
    }

    /// Sets whether the task stops when the router does. Default, decided by us: it does, because output would be lost.
    #[must_use]
    pub fn with_essential(mut self, is_essential: bool) -> Self {
        self.is_essential = is_essential;
        self
    }

    pub(super) fn default_driver(&self) -> Option<&LogDriver> {
        self.default.as_ref()
    }

    pub(super) fn container(&self) -> Container {
        Container::new(LOG_ROUTER, self.image.clone())
            .with_essential(self.is_essential)
            .with_label(labels::ROLE, labels::ROLE_LOG_ROUTER)
            .with_user("0")
            .with_writable_root_filesystem()
            .with_default_capabilities()
            .with_memory_reservation(MEMORY)
            .with_firelens(ecs::FirelensConfiguration {
                options: self.options.clone(),
                ..ecs::FirelensConfiguration::new("fluentbit")
            })
    }
}
