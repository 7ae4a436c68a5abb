//! Environment variables with secret values.

use sidecar_contract::Diagnostics;

use super::{Container, LogDriver, Secret};

impl Container {
    /// Adds an environment variable whose value ECS reads from Secrets Manager or Parameter Store when the task starts. The
    /// execution role of the service may read it; the template contains no value. Setting a variable twice is an error.
    ///
    /// The local runner has no access to AWS: it leaves the variable out, and names it among the parts that it does not
    /// simulate.
    #[must_use]
    pub fn with_secret(mut self, name: impl Into<String>, secret: Secret) -> Self {
        self.secrets.push((name.into(), secret));
        self
    }

    /// The secrets that ECS reads for it: variables, and options of its log driver.
    pub(in crate::constructs) fn secrets(&self) -> impl Iterator<Item = &Secret> + Clone {
        let options = self.log_driver.iter().flat_map(LogDriver::secrets);
        self.secrets.iter().map(|(_, secret)| secret).chain(options)
    }

    pub(super) fn check_secrets(&self, path: &str, diagnostics: &mut Diagnostics) {
        for (index, (_, secret)) in self.secrets.iter().enumerate() {
            secret.check(&format!("{path}.Secrets[{index}].ValueFrom"), diagnostics);
        }
        if let Some(driver) = &self.log_driver {
            driver.check(&format!("{path}.LogConfiguration"), diagnostics);
        }
    }
}
