//! Load balancers of Elastic Load Balancing: listeners, rules and target groups.
//!
//! Evaluated values, with the service's defaults. Rules are in the order in which they are tried.

mod condition;
mod pattern;
mod redirect;
mod shadowing;

use std::collections::BTreeMap;
use std::time::Duration;

pub use self::condition::{Condition, QueryParameter};
pub use self::pattern::{Pattern, wildcard_regex};
pub use self::redirect::{Redirect, RedirectPart};
pub use self::shadowing::shadowed_rules;

/// The idle timeout of an application load balancer, unless configured. Source: Application Load Balancer user guide,
/// "Edit attributes" (read 2026-12-01).
pub const APPLICATION_IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// The idle timeout of TCP connections through a network load balancer, unless configured. Source: Network Load Balancer
/// user guide, "Connection idle timeout" (read 2026-12-01).
pub const NETWORK_IDLE_TIMEOUT: Duration = Duration::from_secs(350);

/// A load balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadBalancer {
    /// Its name, unique in a region of an account.
    pub name: String,
    /// Its type.
    pub kind: LoadBalancerKind,
    /// Its host name.
    pub dns_name: String,
    /// Other host names, of DNS records that point to it.
    pub aliases: Vec<String>,
    /// Time without activity after which a request or a connection ends.
    pub idle_timeout: Duration,
    /// The header `X-Forwarded-For` of requests to targets.
    pub forwarded_for: ForwardedFor,
    /// Its listeners, by port.
    pub listeners: BTreeMap<u16, Listener>,
}

/// The type of a load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadBalancerKind {
    /// Requests of HTTP and HTTPS.
    Application,
    /// Connections of TCP and TLS.
    Network,
}

/// The treatment of `X-Forwarded-For`: `routing.http.xff_header_processing.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ForwardedFor {
    /// The client's address is appended.
    #[default]
    Append,
    /// The header stays as it is.
    Preserve,
    /// The header is removed.
    Remove,
}

/// A listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// Its protocol.
    pub protocol: ListenerProtocol,
    /// The ARNs of its certificates, the default one first.
    pub certificates: Vec<String>,
    /// Its rules, in the order in which they are tried.
    pub rules: Vec<Rule>,
    /// The action for what no rule matches.
    pub default_action: Action,
}

/// The protocol of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListenerProtocol {
    /// HTTP/1.1, and WebSocket.
    Http,
    /// The same with TLS, and HTTP/2.
    Https,
    /// TCP.
    Tcp,
    /// TLS, which ends at the load balancer.
    Tls,
}

/// A rule of a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name, for messages.
    pub name: String,
    /// Its conditions, all of which must hold.
    pub conditions: Vec<Condition>,
    /// What happens to a request that matches.
    pub action: Action,
}

/// The last action of a rule: those before it authenticate the caller, which has no equivalent here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Forwards to target groups.
    Forward(Forward),
    /// Redirects to another URL.
    Redirect(Redirect),
    /// Returns a response.
    FixedResponse(FixedResponse),
}

/// Target groups that share requests or connections.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forward {
    /// The names of the target groups, each with its weight.
    pub target_groups: Vec<(String, u32)>,
    /// How long a client stays with a target group, if it does.
    pub stickiness: Option<Duration>,
}

/// A response of a load balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedResponse {
    /// Its status.
    pub status: u16,
    /// Its content type, if it has one.
    pub content_type: Option<String>,
    /// Its body.
    pub body: String,
}

/// A target group.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TargetGroup {
    /// Its name, unique in a region of an account.
    pub name: String,
    /// The protocol of targets.
    pub protocol: TargetProtocol,
    /// Whether targets are called with TLS. Their certificates are not verified.
    pub has_tls: bool,
    /// The health check of targets; `None` if they are not checked.
    pub health_check: Option<TargetHealthCheck>,
    /// The cookie that keeps a client at a target, if any.
    pub stickiness: Option<TargetStickiness>,
    /// For how long a deregistered target can complete its requests.
    pub deregistration_delay: Duration,
    /// How targets are selected.
    pub algorithm: Algorithm,
    /// The time in which the share of a new target grows to that of the others, if targets are selected in turn.
    pub slow_start: Option<Duration>,
}

/// The protocol of targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetProtocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
    /// gRPC.
    Grpc,
    /// TCP.
    Tcp,
}

/// The selection of targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// In turn.
    #[default]
    RoundRobin,
    /// Those with the fewest requests.
    LeastOutstandingRequests,
}

/// The health check of a target group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetHealthCheck {
    /// What is checked.
    pub probe: Probe,
    /// Time between two checks.
    pub interval: Duration,
    /// Timeout of one check.
    pub timeout: Duration,
    /// Successes in a row until an unhealthy target is healthy.
    pub healthy_threshold: u32,
    /// Failures in a row until a healthy target is unhealthy.
    pub unhealthy_threshold: u32,
}

/// What a health check sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// A connection.
    Tcp,
    /// A request in the protocol of the targets, and the ranges of status codes of a healthy one, both ends included.
    Http {
        /// Its path.
        path: String,
        /// The status codes.
        codes: Vec<(u16, u16)>,
    },
}

/// The cookie that keeps a client at a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetStickiness {
    /// The name of the load balancer's cookie.
    pub cookie: &'static str,
    /// Its lifetime; `None` if it ends with the browser's session.
    pub duration: Option<Duration>,
}

impl LoadBalancer {
    /// A load balancer without listeners, with default settings.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: LoadBalancerKind, dns_name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind,
            dns_name: dns_name.into(),
            aliases: Vec::new(),
            idle_timeout: match kind {
                LoadBalancerKind::Application => APPLICATION_IDLE_TIMEOUT,
                LoadBalancerKind::Network => NETWORK_IDLE_TIMEOUT,
            },
            forwarded_for: ForwardedFor::default(),
            listeners: BTreeMap::new(),
        }
    }

    /// All of its host names.
    pub fn host_names(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.dns_name).chain(&self.aliases)
    }

    /// The names of the target groups that its actions name.
    pub fn target_groups(&self) -> impl Iterator<Item = &str> {
        let actions = self.listeners.values().flat_map(Listener::actions);
        let forwards = actions.filter_map(|action| match action {
            Action::Forward(forward) => Some(forward),
            Action::Redirect(_) | Action::FixedResponse(_) => None,
        });
        forwards.flat_map(|forward| forward.target_groups.iter().map(|(name, _)| name.as_str()))
    }
}

impl Listener {
    /// All actions, of its rules and its default.
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        self.rules.iter().map(|rule| &rule.action).chain([&self.default_action])
    }

    /// Whether it ends TLS.
    #[must_use]
    pub fn has_tls(&self) -> bool {
        matches!(self.protocol, ListenerProtocol::Https | ListenerProtocol::Tls)
    }
}

impl Forward {
    /// Forwards everything to one target group.
    #[must_use]
    pub fn to(target_group: impl Into<String>) -> Self {
        Self {
            target_groups: vec![(target_group.into(), 1)],
            stickiness: None,
        }
    }
}

impl TargetGroup {
    /// A target group without health check, with default settings.
    #[must_use]
    pub fn new(name: impl Into<String>, protocol: TargetProtocol) -> Self {
        Self {
            name: name.into(),
            protocol,
            has_tls: false,
            health_check: None,
            stickiness: None,
            deregistration_delay: Duration::from_secs(300),
            algorithm: Algorithm::default(),
            slow_start: None,
        }
    }
}
