//! Name resolution inside ECS.
//!
//! The hosts file has precedence, then DNS, queried for the absolute name; for names of the mesh in transparent-proxy mode, a
//! synthetic VIP is the last resort. There is no search list and no public DNS server.
//!
//! The parts here replace those of `hickory-resolver`, which does the DNS protocol: its cache does not keep stale records while
//! DNS is down, caps no negative TTL and knows no partial answers of Route 53; its hosts table is not read again; its
//! `resolv.conf` applies the search list and falls back to public servers.
//!
//! Reading order: `address_policy` (addresses that are never connected to), `host_name`, `hosts`, `resolv_conf`, `dns_client`
//! and `dns_answer`, `cache`, `singleflight` (one lookup per name at a time), then `Resolver` here.

mod address_policy;
mod addresses;
mod cache;
mod dns_answer;
mod dns_client;
mod host_name;
mod hosts;
mod resolv_conf;
mod resolve_error;
mod settings;
mod singleflight;

use std::net::IpAddr;
use std::sync::Arc;

use sidecar_contract::MeshSuffixes;

pub(crate) use self::address_policy::AddressPolicy;
pub(crate) use self::addresses::{Addresses, Origin};
use self::dns_client::DnsClient;
pub(crate) use self::host_name::HostName;
pub(crate) use self::hosts::Hosts;
use self::hosts::NotListed;
pub(crate) use self::resolve_error::{ResolveError, ResolveErrorKind};
pub use self::settings::DEFAULT_SYNTHETIC_VIP;
pub(crate) use self::settings::ResolverSettings;
pub(crate) use self::singleflight::ResolveResult;
use self::singleflight::Singleflight;

/// Resolves names to addresses.
#[derive(Debug)]
pub(crate) struct Resolver {
    hosts: Hosts,
    lookups: Singleflight<DnsClient>,
    /// The synthetic VIP, and the suffixes of the names that it is for.
    synthetic_vip: Option<(Arc<Addresses>, MeshSuffixes)>,
}

impl Resolver {
    /// A resolver with these settings. Names with the suffixes `vip_suffixes`, if given, resolve to the synthetic VIP if they
    /// do not resolve otherwise.
    ///
    /// # Errors
    ///
    /// Why the DNS client cannot be created. No DNS server is not an error: all names may be in the hosts file.
    pub(crate) fn new(
        settings: &ResolverSettings,
        hosts: Hosts,
        vip_suffixes: Option<MeshSuffixes>,
    ) -> Result<Self, String> {
        let (conf, no_servers) = settings.servers();
        let dns = DnsClient::new(&conf, no_servers, hosts.policy()).map_err(|error| error.to_string())?;
        let vip = Addresses::new([settings.synthetic_vip], Origin::SyntheticVip).map(Arc::new);
        Ok(Self {
            hosts,
            lookups: Singleflight::new(dns),
            synthetic_vip: vip.zip(vip_suffixes),
        })
    }

    /// Resolves `name`. Cancelling it has no effect on the lookup.
    ///
    /// # Errors
    ///
    /// Why it does not resolve, with everything that was attempted.
    pub(crate) async fn resolve(&self, name: &HostName) -> ResolveResult {
        let not_listed = match self.hosts.find(name) {
            Ok(addresses) => return Ok(addresses),
            Err(not_listed) => not_listed,
        };
        if let NotListed::Rejected { address, reason } = not_listed {
            return Err(Arc::new(self.rejected(address, reason)));
        }
        let vip = self.synthetic_vip_for(name);
        let error = match self.lookups.find(name, vip).await {
            Ok(addresses) => return Ok(addresses),
            Err(error) => error,
        };
        // A rejected address is a misconfiguration or an attack, which the synthetic VIP must not hide.
        let is_rejected = matches!(error.kind, ResolveErrorKind::Rejected { .. });
        if let Some(vip) = vip.filter(|_| !is_rejected) {
            return Ok(vip.clone());
        }
        let mut attempts = vec![format!("{}: {not_listed}", self.hosts.path().display())];
        attempts.extend(error.attempts.iter().cloned());
        Err(Arc::new(ResolveError {
            kind: error.kind,
            attempts,
        }))
    }

    fn synthetic_vip_for(&self, name: &HostName) -> Option<&Arc<Addresses>> {
        let (vip, suffixes) = self.synthetic_vip.as_ref()?;
        suffixes.contains(name.as_str()).then_some(vip)
    }

    fn rejected(&self, address: IpAddr, reason: &'static str) -> ResolveError {
        ResolveError {
            kind: ResolveErrorKind::Rejected { address, reason },
            attempts: vec![format!("{}: {address}", self.hosts.path().display())],
        }
    }
}
