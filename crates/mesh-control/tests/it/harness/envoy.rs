//! A real Envoy: started with our bootstrap file, observed through its admin page, killed when dropped.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use mesh_control::{Admin, ApiType, Bootstrap, NodeMetadata};
use mesh_control::{XdsProtocol, XdsSecurity};
use serde_json::Value;
use tempfile::TempDir;

use super::eventually;

/// The interval at which call statistics are sent. On AWS it is Envoy's default of 5 s.
const FLUSH_INTERVAL: &str = "0.2s";

/// The Envoy program: the user's or the pinned one.
pub(crate) fn program() -> &'static testkit::Envoy {
    testkit::envoy()
}

/// Other servers that an Envoy uses.
#[derive(Debug, Clone, Default)]
pub(crate) struct Servers {
    /// The socket of the SDS server.
    pub(crate) sds: Option<PathBuf>,
    /// The DNS server.
    pub(crate) dns: Option<SocketAddr>,
}

/// A running Envoy.
pub(crate) struct Envoy {
    child: Child,
    directory: TempDir,
    admin: reqwest::Client,
}

impl Envoy {
    /// Starts an Envoy with its files in `directory`, and waits until it has its configuration.
    pub(crate) async fn start(
        directory: TempDir,
        node_id: &str,
        metadata: NodeMetadata,
        xds: SocketAddr,
        protocol: XdsProtocol,
    ) -> Self {
        Self::start_with(Servers::default(), directory, node_id, metadata, xds, protocol).await
    }

    /// Starts an Envoy that uses these servers.
    pub(crate) async fn start_with(
        servers: Servers,
        directory: TempDir,
        node_id: &str,
        metadata: NodeMetadata,
        xds: SocketAddr,
        protocol: XdsProtocol,
    ) -> Self {
        Self::start_from(directory, |_, admin| {
            let bootstrap = Bootstrap {
                node_id: node_id.to_owned(),
                metadata,
                xds: xds.into(),
                xds_security: XdsSecurity::default(),
                failover: None,
                api_type: match protocol {
                    XdsProtocol::Sotw => ApiType::Grpc,
                    XdsProtocol::Delta => ApiType::DeltaGrpc,
                },
                admin: Admin::Socket(admin.to_owned()),
                sds: servers.sds,
                dns_servers: servers.dns.into_iter().collect(),
                reports_calls: true,
            };
            let mut bootstrap = bootstrap.to_json();
            bootstrap["stats_flush_interval"] = FLUSH_INTERVAL.into();
            bootstrap
        })
        .await
    }

    /// Starts an Envoy with the bootstrap for a directory and the socket of the admin page.
    pub(crate) async fn start_from(directory: TempDir, bootstrap: impl FnOnce(&Path, &Path) -> Value) -> Self {
        let mut envoy = Self::spawn_from(directory, bootstrap);
        eventually("Envoy is ready", async || envoy.ready().await).await;
        envoy
    }

    /// The same, without waiting for its configuration.
    pub(crate) fn spawn_from(directory: TempDir, bootstrap: impl FnOnce(&Path, &Path) -> Value) -> Self {
        let admin = directory.path().join("admin.sock");
        let bootstrap = bootstrap(directory.path(), &admin);
        let file = directory.path().join("envoy.json");
        fs::write(&file, format!("{bootstrap:#}")).expect("the bootstrap file");
        let log = File::create(log_in(directory.path())).expect("the log file");
        let child = program()
            .command()
            .arg("--config-path")
            .arg(&file)
            // Several Envoys run at a time, and hot restart is not used.
            .arg("--disable-hot-restart")
            // With one worker, round robin is strict.
            .args(["--concurrency", "1"])
            .args(["--log-level", "warning"])
            // Access-log entries are read while the test runs, not ten seconds later.
            .args(["--file-flush-interval-msec", "20"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the log file"))
            .stderr(log)
            .spawn()
            .expect("Envoy starts");
        let admin = reqwest::Client::builder()
            .unix_socket(admin)
            .no_proxy()
            .build()
            .expect("a client for the admin page");
        Self {
            child,
            directory,
            admin,
        }
    }

    /// Waits until it serves its admin page, with or without a configuration.
    pub(crate) async fn wait_for_admin(&self) {
        eventually("the admin page is served", async || {
            let response = self.admin.get("http://envoy/ready").send().await;
            response.map(drop).map_err(|error| format!("{error:?}"))
        })
        .await;
    }

    /// Its log so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(log_in(self.directory())).unwrap_or_default()
    }

    /// Its command line, as `ps` shows it.
    pub(crate) fn command_line(&self) -> String {
        let bytes = fs::read(format!("/proc/{}/cmdline", self.child.id())).expect("a process");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    async fn ready(&mut self) -> Result<(), String> {
        if let Some(status) = self.child.try_wait().expect("a child") {
            panic!("Envoy ended: {status}");
        }
        let response = self.admin.get("http://envoy/ready").send().await;
        let response = response.map_err(|error| format!("{error:?}"))?;
        if response.status().is_success() {
            Ok(())
        } else {
            Err(response.text().await.unwrap_or_default())
        }
    }

    /// Sends it a signal, such as `STOP`.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = std::process::Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(sent.expect("the program `kill`").success(), "signal {signal}");
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A page of the admin interface.
    pub(crate) async fn page(&self, path: &str) -> String {
        let response = self.admin.get(format!("http://envoy{path}")).send().await;
        response.expect("the admin page").text().await.expect("a text")
    }

    /// Every counter and gauge with one of these prefixes.
    pub(crate) async fn stats(&self, prefixes: &[&str]) -> BTreeMap<String, u64> {
        let page = self.page("/stats").await;
        let lines = page.lines().filter_map(|line| line.split_once(": "));
        lines
            .filter(|(name, _)| prefixes.iter().any(|prefix| name.starts_with(prefix)))
            .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
            .collect()
    }

    /// A counter or gauge; 0 if Envoy has not used it yet.
    pub(crate) async fn stat(&self, name: &str) -> u64 {
        self.stats(&[name]).await.get(name).copied().unwrap_or(0)
    }

    /// Waits until a counter or gauge has at least this value.
    pub(crate) async fn wait_for_stat_at_least(&self, name: &str, value: u64) {
        eventually(&format!("{name} reaches {value}"), async || {
            let now = self.stat(name).await;
            if now >= value { Ok(()) } else { Err(now.to_string()) }
        })
        .await;
    }

    /// Waits until a counter or gauge has this value.
    pub(crate) async fn wait_for_stat(&self, name: &str, value: u64) {
        eventually(&format!("{name} is {value}"), async || {
            let now = self.stat(name).await;
            if now == value { Ok(()) } else { Err(now.to_string()) }
        })
        .await;
    }

    /// The endpoints of a cluster, each with its health status.
    pub(crate) async fn health_of(&self, cluster: &str) -> BTreeMap<SocketAddr, String> {
        let page = self.page("/clusters").await;
        let flags = page.lines().filter_map(|line| {
            let (address, flags) = line
                .strip_prefix(cluster)?
                .strip_prefix("::")?
                .split_once("::health_flags::")?;
            Some((address.parse().ok()?, flags.to_owned()))
        });
        flags.collect()
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        // It may have exited, and the log shows why.
        let _ended = self.child.kill();
        let _status = self.child.wait();
        if std::thread::panicking() {
            let log = fs::read_to_string(log_in(self.directory.path())).unwrap_or_default();
            eprintln!("--- the log of an Envoy (process {}):\n{log}---", self.child.id());
        }
    }
}

fn log_in(directory: &Path) -> PathBuf {
    directory.join("envoy.log")
}
