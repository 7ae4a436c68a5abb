//! Where a name leads: what a service needs of a resolver inside ECS, which the system's is not.
//!
//! The hosts file comes first, then DNS, asked for the name as it is; and where a sidecar takes every connection,
//! an address that stands for any name of the mesh. There is nothing else: no search list, no public DNS server.
//!
//! Reading order: `rules` (which addresses may be connected to), `host_name`, `hosts`, `resolv_conf`, `dns` (asking)
//! and `answer` (what was said), `memory` (for how long), `lookups` (one at a time), then `Names` here.

mod addresses;
mod answer;
mod dns;
mod failure;
mod host_name;
mod hosts;
mod lookups;
mod memory;
mod resolv_conf;
mod rules;
mod settings;

use std::net::IpAddr;
use std::sync::Arc;

use sidecar_contract::MeshSuffixes;

pub(crate) use self::addresses::{Addresses, Origin};
use self::dns::Dns;
pub(crate) use self::failure::{Failure, Why};
pub(crate) use self::host_name::HostName;
pub(crate) use self::hosts::Hosts;
use self::hosts::NotListed;
use self::lookups::{Lookups, Outcome};
pub(crate) use self::rules::Rules;
pub use self::settings::DEFAULT_PLACEHOLDER;
pub(crate) use self::settings::NameSettings;

/// Finds out where names lead.
#[derive(Debug)]
pub(crate) struct Names {
    hosts: Hosts,
    lookups: Lookups<Dns>,
    /// What a name of the mesh stands for that leads nowhere, and the ends of such names.
    placeholder: Option<(Arc<Addresses>, MeshSuffixes)>,
}

impl Names {
    /// Names that are looked up as `settings` say. For those with the suffixes `placeholder_for`, if given, there is
    /// the placeholder as well.
    ///
    /// # Errors
    ///
    /// Why the resolver cannot be set up. That there is no DNS server is not among it: names may all be in the hosts
    /// file.
    pub(crate) fn new(
        settings: &NameSettings,
        hosts: Hosts,
        placeholder_for: Option<MeshSuffixes>,
    ) -> Result<Self, String> {
        let (conf, without) = settings.servers();
        let dns = Dns::new(&conf, without, hosts.rules()).map_err(|error| error.to_string())?;
        let placeholder = Addresses::new([settings.placeholder], Origin::Placeholder).map(Arc::new);
        Ok(Self {
            hosts,
            lookups: Lookups::new(dns),
            placeholder: placeholder.zip(placeholder_for),
        })
    }

    /// Where `name` leads. Cancelling it loses nothing.
    ///
    /// # Errors
    ///
    /// Why it leads nowhere, with everything that was tried.
    pub(crate) async fn resolve(&self, name: &HostName) -> Outcome {
        let outcome = self.find(name).await;
        #[cfg(feature = "telemetry")]
        crate::telemetry::measure::lookup(&outcome);
        outcome
    }

    async fn find(&self, name: &HostName) -> Outcome {
        let not_listed = match self.hosts.find(name) {
            Ok(addresses) => return Ok(addresses),
            Err(not_listed) => not_listed,
        };
        if let NotListed::Refused { address, why } = not_listed {
            return Err(Arc::new(self.refused(address, why)));
        }
        let placeholder = self.placeholder_for(name);
        let failure = match self.lookups.find(name, placeholder).await {
            Ok(addresses) => return Ok(addresses),
            Err(failure) => failure,
        };
        // An answer that is refused is somebody's doing, and no reason to look away.
        if let Some(placeholder) = placeholder.filter(|_| !matches!(failure.why, Why::Refused { .. })) {
            return Ok(placeholder.clone());
        }
        let mut tried = vec![format!("{}: {not_listed}", self.hosts.path().display())];
        tried.extend(failure.tried.iter().cloned());
        Err(Arc::new(Failure {
            why: failure.why,
            tried,
        }))
    }

    fn placeholder_for(&self, name: &HostName) -> Option<&Arc<Addresses>> {
        let (placeholder, suffixes) = self.placeholder.as_ref()?;
        suffixes.contains(name.as_str()).then_some(placeholder)
    }

    fn refused(&self, address: IpAddr, why: &'static str) -> Failure {
        Failure {
            why: Why::Refused { address, why },
            tried: vec![format!("{}: {address}", self.hosts.path().display())],
        }
    }
}
