//! References to missing resources, parameters and conditions: `Ref`, `Fn::GetAtt`, `Fn::Sub`, `Fn::If`, `DependsOn`.

use cfn::{ReferenceSite, Template, rewrite_references};
use sidecar_contract::Diagnostics;

pub(super) fn check(template: &Template, diagnostics: &mut Diagnostics) {
    // A macro can add what is referred to.
    if template.other.contains_key("Transform") {
        return;
    }
    for (id, resource) in &template.resources {
        if let Some(condition) = &resource.condition
            && !template.conditions.contains_key(condition)
        {
            diagnostics.add(
                format!("Resources.{id}.Condition"),
                format!("is `{condition}`, which is not a condition"),
            );
        }
        for name in &resource.depends_on {
            if !template.resources.contains_key(name) {
                diagnostics.add(
                    format!("Resources.{id}.DependsOn"),
                    format!("contains `{name}`, which is not a resource"),
                );
            }
        }
    }
    // Rewrites nothing: one visitor knows where references are.
    rewrite_references(&mut template.clone(), &mut |path, site| {
        if let Some(message) = missing(template, site) {
            diagnostics.add(path, message);
        }
        None
    });
}

/// What a reference lacks; `None` if its target exists.
fn missing(template: &Template, site: ReferenceSite<'_>) -> Option<String> {
    let is_resource = |id: &str| template.resources.contains_key(id);
    match site {
        ReferenceSite::Id {
            logical_id: id,
            attribute: None,
        } => {
            // Pseudo parameters such as `AWS::Region` always exist.
            let exists = is_resource(id) || template.parameters.contains_key(id) || id.starts_with("AWS::");
            (!exists).then(|| format!("refers to `{id}`, which is neither a resource nor a parameter"))
        }
        ReferenceSite::Id {
            logical_id: id,
            attribute: Some(_),
        } => (!is_resource(id)).then(|| format!("refers to an attribute of `{id}`, which is not a resource")),
        ReferenceSite::Condition(name) => {
            (!template.conditions.contains_key(name)).then(|| format!("refers to `{name}`, which is not a condition"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cfn::Resource;
    use serde_json::json;

    #[test]
    fn missing_references_are_reported() {
        let mut template = Template::default();
        let properties = json!({
            "Good": [{"Ref": "AWS::Region"}, {"Fn::Sub": "${AWS::AccountId} ${A.Arn} ${!A}"}, {"Fn::GetAtt": "A.B.C"}],
            "Local": {"Fn::Sub": ["${X} ${Y}", {"X": {"Ref": "Z"}}]},
            "Deep": {"Fn::Join": ["", [{"Fn::GetAtt": ["B", "Arn"]}]]}
        });
        let resource = Resource::new("T", properties).with_depends_on(["C"]);
        template.resources.insert("A".to_owned(), resource);
        let mut diagnostics = Diagnostics::new();
        check(&template, &mut diagnostics);
        assert_eq!(
            diagnostics.to_string(),
            "Resources.A.DependsOn: contains `C`, which is not a resource\n\
             Resources.A.Properties.Local: refers to `Z`, which is neither a resource nor a parameter\n\
             Resources.A.Properties.Local: refers to `Y`, which is neither a resource nor a parameter\n\
             Resources.A.Properties.Deep[1][0]: refers to an attribute of `B`, which is not a resource"
        );
    }
}
