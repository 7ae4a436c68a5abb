//! Filter chains of a listener with TLS.

use envoy_types::pb::envoy::config::listener::v3::FilterChain;
use mesh_model::app_mesh::listener::Listener;
use mesh_model::app_mesh::tls::TlsMode;

use super::context::NodeContext;
use super::{listeners, tls};

/// Whether both TLS and plaintext are accepted.
pub(super) fn is_permissive(listener: &Listener) -> bool {
    listener.tls.as_ref().is_some_and(|tls| tls.mode == TlsMode::Permissive)
}

/// The chain with the listener's TLS; two of them where both are accepted. `None` without a usable certificate, with a
/// note: plaintext is no substitute.
pub(super) fn secured(
    context: &mut NodeContext<'_>,
    owner: &str,
    listener: &Listener,
    chain: FilterChain,
) -> Option<Vec<FilterChain>> {
    let Some(wanted) = &listener.tls else {
        return Some(vec![chain]);
    };
    match tls::of_listener(wanted, listener.port_mapping.protocol, &context.state.certificates) {
        Ok(None) => Some(vec![chain]),
        Ok(Some(socket)) if wanted.mode == TlsMode::Permissive => {
            let plain = listeners::for_transport(chain.clone(), "raw_buffer");
            let secured = listeners::for_transport(listeners::with_tls(chain, socket), "tls");
            Some(vec![secured, plain])
        }
        Ok(Some(socket)) => Some(vec![listeners::with_tls(chain, socket)]),
        Err(reason) => {
            context.note(format!(
                "port {} of {owner} cannot be served with TLS, and is not served without: {reason}",
                listener.port_mapping.port
            ));
            None
        }
    }
}
