//! References to missing resources, parameters and conditions: `Ref`, `Fn::GetAtt`, `Fn::Sub`, `Fn::If`, `DependsOn`.

use cfn::{Template, intrinsic};
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

pub(super) fn check(template: &Template, diagnostics: &mut Diagnostics) {
    // A macro can add what is referred to.
    if template.other.contains_key("Transform") {
        return;
    }
    for (id, condition) in &template.conditions {
        let mut visitor = Visitor {
            template,
            diagnostics,
            path: format!("Conditions.{id}"),
        };
        visitor.visit(condition, &[]);
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
        let mut visitor = Visitor {
            template,
            diagnostics,
            path: format!("Resources.{id}.Properties"),
        };
        visitor.visit(&resource.properties, &[]);
    }
    for (id, output) in &template.outputs {
        let mut visitor = Visitor {
            template,
            diagnostics,
            path: format!("Outputs.{id}.Value"),
        };
        visitor.visit(&output.value, &[]);
    }
}

/// Visits the references in a value and keeps the path to the current one.
struct Visitor<'a> {
    template: &'a Template,
    diagnostics: &'a mut Diagnostics,
    path: String,
}

impl Visitor<'_> {
    /// `locals` are the variables of the enclosing `Fn::Sub`.
    fn visit(&mut self, json: &Json, locals: &[&str]) {
        match (intrinsic(json), json) {
            (Some((name, argument)), _) => self.function(name, argument, locals),
            (None, Json::Object(object)) => {
                for (key, value) in object {
                    self.at(&format!(".{key}"), |visitor| visitor.visit(value, locals));
                }
            }
            (None, Json::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.at(&format!("[{index}]"), |visitor| visitor.visit(item, locals));
                }
            }
            _ => {}
        }
    }

    fn at(&mut self, step: &str, visit: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push_str(step);
        visit(self);
        self.path.truncate(length);
    }

    fn function(&mut self, name: &str, argument: &Json, locals: &[&str]) {
        match (name, argument) {
            ("Ref", Json::String(id)) => self.expect_reference(id),
            ("Fn::GetAtt", Json::String(dotted)) => self.expect_resource(before_dot(dotted)),
            ("Fn::GetAtt", Json::Array(parts)) => {
                if let Some(Json::String(id)) = parts.first() {
                    self.expect_resource(id);
                }
            }
            ("Fn::Sub", Json::String(text)) => self.substitution(text, locals),
            ("Fn::Sub", Json::Array(parts)) => {
                if let [Json::String(text), Json::Object(variables)] = parts.as_slice() {
                    let names: Vec<_> = variables.keys().map(String::as_str).collect();
                    self.substitution(text, &names);
                    variables.values().for_each(|value| self.visit(value, locals));
                }
            }
            ("Fn::If", Json::Array(parts)) => {
                if let Some(Json::String(condition)) = parts.first()
                    && !self.template.conditions.contains_key(condition)
                {
                    let message = format!("refers to `{condition}`, which is not a condition");
                    self.diagnostics.add(self.path.as_str(), message);
                }
                self.visit(argument, locals);
            }
            (_, argument) => self.visit(argument, locals),
        }
    }

    /// `${Name}` is a reference, `${Name.Attribute}` a reference to a resource, `${!Literal}` is text.
    fn substitution(&mut self, text: &str, locals: &[&str]) {
        for opened in text.split("${").skip(1) {
            let Some((name, _)) = opened.split_once('}') else {
                continue;
            };
            let name = name.trim();
            if name.starts_with('!') || locals.contains(&name) {
                continue;
            }
            match name.split_once('.') {
                Some((id, _)) => self.expect_resource(id),
                None => self.expect_reference(name),
            }
        }
    }

    fn expect_reference(&mut self, id: &str) {
        let known = self.template.resources.contains_key(id) || self.template.parameters.contains_key(id);
        // Pseudo parameters such as `AWS::Region` always exist.
        if !known && !id.starts_with("AWS::") {
            let message = format!("refers to `{id}`, which is neither a resource nor a parameter");
            self.diagnostics.add(self.path.as_str(), message);
        }
    }

    fn expect_resource(&mut self, id: &str) {
        if !self.template.resources.contains_key(id) {
            let message = format!("refers to an attribute of `{id}`, which is not a resource");
            self.diagnostics.add(self.path.as_str(), message);
        }
    }
}

fn before_dot(dotted: &str) -> &str {
    dotted.split_once('.').map_or(dotted, |(id, _)| id)
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
             Resources.A.Properties.Local: refers to `Y`, which is neither a resource nor a parameter\n\
             Resources.A.Properties.Local: refers to `Z`, which is neither a resource nor a parameter\n\
             Resources.A.Properties.Deep[1][0]: refers to an attribute of `B`, which is not a resource"
        );
    }
}
