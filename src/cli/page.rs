//! `--page` and `--no-page`, of every program that runs a mesh.

use clap::Args;

/// `--page` and `--no-page`.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct PageArguments {
    /// Port of 127.0.0.1 for the live page; 0 is any free one
    #[arg(long = "page", value_name = "PORT", default_value_t = 0)]
    port: u16,
    /// Serve no page
    #[arg(long, conflicts_with = "port")]
    no_page: bool,
}

impl PageArguments {
    /// The port of the page, if there is one.
    pub(crate) fn port(self) -> Option<u16> {
        (!self.no_page).then_some(self.port)
    }
}
