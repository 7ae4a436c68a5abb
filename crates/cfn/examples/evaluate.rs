//! Prints the properties of a template's resources, evaluated as far as they are known.
//!
//! ```text
//! cargo run -p cfn --example evaluate -- template.yaml Stage=test
//! ```

use std::collections::BTreeMap;
use std::error::Error;

use cfn::Template;
use cfn::evaluate::{Context, Evaluator, NothingKnown, StackInput, scalar_text};
use sidecar_contract::Diagnostics;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: evaluate TEMPLATE [PARAMETER=VALUE]…")?;
    let template = Template::from_text(&std::fs::read_to_string(path)?)?;

    // Values of parameters: as given, else the default, else unknown.
    let given: BTreeMap<String, String> = arguments
        .filter_map(|argument| {
            let (name, value) = argument.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        })
        .collect();
    let mut parameters = BTreeMap::new();
    for (name, parameter) in &template.parameters {
        let text = given.get(name).cloned();
        if let Some(text) = text.or_else(|| parameter.default.as_ref().map(scalar_text)) {
            parameters.insert(name.clone(), parameter.value_from_text(&text));
        }
    }

    let stack = StackInput {
        name: "example",
        template: &template,
        parameters,
    };
    let mut diagnostics = Diagnostics::new();
    let evaluator = Evaluator::with_stacks([stack], NothingKnown, &mut diagnostics);
    for stack in evaluator.stacks() {
        let mut context = Context::new(&mut diagnostics);
        for (logical_id, resource) in stack.resources(&mut context) {
            println!("{} {logical_id}", resource.kind);
            let path = format!("{}.Properties", stack.resource_path(logical_id));
            for (name, value) in resource.properties.as_object().into_iter().flatten() {
                if let Some(value) = stack.evaluate(value, &format!("{path}.{name}"), &mut context) {
                    println!("  {name}: {value}");
                    if let Some(unknown) = value.unknown() {
                        println!("    unknown: {}", unknown.reason());
                    }
                }
            }
        }
    }
    if !diagnostics.is_empty() {
        eprintln!("{diagnostics}");
    }
    Ok(())
}
