//! Environment variables of a task's containers.

use std::ffi::OsString;
use std::net::Ipv4Addr;

use sidecar_contract::environment::READY;

use super::Slot;
use crate::environment;
use crate::plan::ContainerPlan;
use crate::traces;

impl Slot {
    /// The complete environment of one of its containers.
    pub(crate) fn environment_of(&self, container: &ContainerPlan) -> Vec<(String, OsString)> {
        let mut variables = environment::inherited();
        if let Some(variable) = container.image.bind_variable() {
            let address = match self.network {
                None => Ipv4Addr::LOCALHOST,
                Some(_) => Ipv4Addr::UNSPECIFIED,
            };
            variables.push((variable.to_owned(), address.to_string().into()));
        }
        let spans = traces::otel_variables(self.collector, &self.name, &container.environment);
        variables.extend(spans.map(|(name, value)| (name, value.into())));
        let given = container.environment.iter();
        variables.extend(given.map(|(name, value)| (name.clone(), value.into())));
        for port in &container.ports {
            let address = self.addresses.app_of(&container.name, port.mapping.container_port);
            if let (Some(variable), Some(address)) = (&port.variable, address) {
                variables.push((variable.clone(), address.port().to_string().into()));
            }
        }
        variables.extend(self.variables_of_sidecar());
        variables
    }

    /// The variables of its sidecar, if its containers call others through it.
    fn variables_of_sidecar(&self) -> Vec<(String, OsString)> {
        let variables = self.sidecar.as_ref().map_or_else(Vec::new, |sidecar| {
            if self.is_transparent_proxy() {
                sidecar.transparent_proxy_variables()
            } else {
                sidecar.explicit_proxy_variables(&self.addresses)
            }
        });
        let admin = self.admin_socket().display().to_string();
        // A colon would end the socket's path in the URL.
        let ready = (!variables.is_empty() && !admin.contains(':'))
            .then(|| (READY.to_owned(), format!("http://unix:{admin}:/ready")));
        let all = variables.into_iter().chain(ready);
        all.map(|(name, value)| (name, value.into())).collect()
    }
}
