//! Output of `synth`: compact for programs, indented for people.

use std::io::{self, IsTerminal as _};

use clap::Args;
use mesh_infra::Template;

use crate::console::{OutputError, print};

/// The format of a printed template.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct TemplateFormat {
    /// Indent the JSON. Default: only on a terminal; CloudFormation limits the bytes of a file, and counts indentation
    #[arg(long)]
    pretty: bool,
}

impl TemplateFormat {
    /// Prints a template to standard output.
    pub(crate) fn print(self, template: &Template) -> Result<(), OutputError> {
        match self.pretty || io::stdout().is_terminal() {
            true => print(&template.to_json()),
            false => print(&template.to_compact_json()),
        }
    }
}
