//! Prints the permission and network changes between two template files, without an AWS account.
//!
//! `cargo run -p cfn-deploy --features aws --example security_review -- BEFORE AFTER`

use std::collections::BTreeMap;
use std::error::Error;

use cfn::Template;
use cfn_deploy::{TemplateVersion, security_changes};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(before), Some(after)) = (arguments.next(), arguments.next()) else {
        return Err("usage: security_review BEFORE AFTER".into());
    };
    let before = Template::from_text(&std::fs::read_to_string(before)?)?;
    let after = Template::from_text(&std::fs::read_to_string(after)?)?;
    let parameters = BTreeMap::new();
    let version = |template| TemplateVersion {
        template,
        parameters: &parameters,
    };
    for change in security_changes(Some(version(&before)), version(&after)) {
        println!("{change}");
    }
    Ok(())
}
