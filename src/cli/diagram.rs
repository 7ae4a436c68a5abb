//! Diagram: prints a Mermaid diagram of a template.

use mesh_infra::{diagram, resolve_parameters};

use crate::cli::error::CliError;
use crate::cli::template::TemplateFiles;
use crate::console::print;

/// Prints the diagram of the only template.
pub(crate) fn run(files: &TemplateFiles) -> Result<(), CliError> {
    let templates = files.read()?;
    templates.print_warnings();
    let stacks = templates.stacks();
    let [stack] = stacks.as_slice() else {
        let message = format!("diagram draws one template, and {} are given", stacks.len());
        return Err(CliError::Usage(message));
    };
    templates.check_parameters(stack)?;
    print(&diagram(&resolve_parameters(stack.template, stack.parameters)))?;
    Ok(())
}
