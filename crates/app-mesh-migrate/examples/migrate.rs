//! Migrates a CloudFormation template that was written for App Mesh: prints the changes, then the template.
//!
//! ```text
//! cargo run -p app-mesh-migrate --example migrate -- template.yaml
//! ```

use std::error::Error;

use app_mesh_migrate::{Options, SourceStack, migrate};
use cfn::Template;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: migrate TEMPLATE")?;
    let source = SourceStack {
        name: "example".to_owned(),
        template: Template::from_text(&std::fs::read_to_string(path)?)?,
        parameters: Default::default(),
    };
    let migration = migrate(&[source], &Options::default())?;
    for change in &migration.changes {
        eprintln!("{change}");
    }
    for template in migration.templates.values() {
        print!("{}", template.to_json());
    }
    Ok(())
}
