//! An AWS account per test: MiniStack, and an independent client that counts its resources.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command as StdCommand;

use serde_json::Value;
use testkit::{PythonTools, Server};
use tokio::process::Command;

use crate::run::{Ended, Run};
use crate::workdir::Workdir;

/// An account, and a workdir for programs that use it.
pub(crate) struct Account {
    pub(crate) workdir: Workdir,
    server: Server,
    tools: &'static PythonTools,
}

impl Account {
    /// Creates an account without resources.
    pub(crate) fn new() -> Self {
        let tools = testkit::python_tools();
        let server = Server::ministack(tools).unwrap_or_else(|error| panic!("{error}"));
        Self {
            workdir: Workdir::new(),
            server,
            tools,
        }
    }

    pub(crate) fn endpoint(&self) -> &str {
        self.server.address()
    }

    /// The `meshwright` binary configured to use this account, in another workdir: the end of one program ends all others of
    /// its workdir.
    pub(crate) fn meshwright_in(&self, workdir: &Workdir, arguments: &[&str]) -> Command {
        self.configure(workdir.meshwright(arguments), workdir)
    }

    /// An example configured to use this account.
    pub(crate) fn example(&self, name: &str, arguments: &[&str]) -> Command {
        self.example_in(&self.workdir, name, arguments)
    }

    /// The same in another workdir, for programs that run at the same time: the end of one ends all others of its workdir.
    pub(crate) fn example_in(&self, workdir: &Workdir, name: &str, arguments: &[&str]) -> Command {
        self.configure(workdir.example_named(name, arguments), workdir)
    }

    fn configure(&self, mut command: Command, workdir: &Workdir) -> Command {
        // Without the account and settings of the user who runs the tests.
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("AWS_") {
                command.env_remove(variable);
            }
        }
        command
            .env_remove("MESHWRIGHT_TEMPLATE_BUCKET")
            .env_remove("MESH_SERVICES");
        command
            .env("HOME", workdir.tmpdir())
            .env("AWS_ENDPOINT_URL", self.endpoint())
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "eu-west-1")
            // No images are built.
            .env("MESHWRIGHT_SKIP_CHECKS", "true")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        command
    }

    /// Stops MiniStack.
    pub(crate) fn stop(self) {
        drop(self.server);
    }

    /// Runs an example until it exits.
    pub(crate) async fn run(&self, name: &str, arguments: &[&str]) -> Ended {
        Run::to_end(&self.workdir, self.example(name, arguments)).await
    }

    /// Runs an example, which must succeed.
    #[track_caller]
    pub(crate) fn succeed<'a>(&'a self, name: &'a str, arguments: &'a [&'a str]) -> impl Future<Output = Ended> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let ended = self.run(name, arguments).await;
            assert_eq!(ended.code, Some(0), "{caller}: {name} {arguments:?}:\n{}", ended.stderr);
            ended
        }
    }

    /// The number of resources in the account, by type.
    pub(crate) fn counted(&self) -> BTreeMap<String, usize> {
        serde_json::from_value(self.python("counted.py", &[])).expect("counts")
    }

    /// Calls an AWS operation.
    pub(crate) fn call(&self, service: &str, operation: &str, arguments: &Value) -> Value {
        self.python("call.py", &[service, operation, &arguments.to_string()])
    }

    /// Puts the images of the examples into the registry of an account, for linux/amd64.
    pub(crate) fn push_images(&self, number: &str) {
        let version = env!("CARGO_PKG_VERSION");
        let (envoy, envoy_tag) = mesh_infra::images::ENVOY_MIRROR;
        let images = serde_json::json!([
            [meshwright::DEMO_SERVICE_IMAGE, version, "amd64"],
            [mesh_infra::images::CONTROL_PLANE, version, "amd64"],
            [envoy, envoy_tag, "amd64"],
        ]);
        self.python("images.py", &[number, &images.to_string()]);
    }

    fn python(&self, program: &str, arguments: &[&str]) -> Value {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/aws").join(program);
        let mut command: StdCommand = self.tools.program(&program);
        let output = command
            .arg(self.endpoint())
            .args(arguments)
            .output()
            .expect("Python starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }
}
