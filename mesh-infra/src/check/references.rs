//! References that lead nowhere: `Ref`, `Fn::GetAtt`, `Fn::Sub`, `DependsOn`, and the names of conditions.

use cfn::{Template, intrinsic};
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

pub(super) fn check(template: &Template, diagnostics: &mut Diagnostics) {
    // A macro may add whatever is referred to.
    if template.other.contains_key("Transform") {
        return;
    }
    for (id, condition) in &template.conditions {
        let mut walk = Walk {
            template,
            diagnostics,
            path: format!("Conditions.{id}"),
        };
        walk.json(condition, &[]);
    }
    for (id, resource) in &template.resources {
        if let Some(condition) = &resource.condition
            && !template.conditions.contains_key(condition)
        {
            diagnostics.add(
                format!("Resources.{id}.Condition"),
                format!("names `{condition}`, which is no condition"),
            );
        }
        for name in &resource.depends_on {
            if !template.resources.contains_key(name) {
                diagnostics.add(
                    format!("Resources.{id}.DependsOn"),
                    format!("names `{name}`, which is no resource"),
                );
            }
        }
        let mut walk = Walk {
            template,
            diagnostics,
            path: format!("Resources.{id}.Properties"),
        };
        walk.json(&resource.properties, &[]);
    }
    for (id, output) in &template.outputs {
        let mut walk = Walk {
            template,
            diagnostics,
            path: format!("Outputs.{id}.Value"),
        };
        walk.json(&output.value, &[]);
    }
}

/// A walk through one value, with the path to where it is.
struct Walk<'a> {
    template: &'a Template,
    diagnostics: &'a mut Diagnostics,
    path: String,
}

impl Walk<'_> {
    /// `locals` are the variables that the `Fn::Sub` around brings along.
    fn json(&mut self, json: &Json, locals: &[&str]) {
        match (intrinsic(json), json) {
            (Some((name, argument)), _) => self.function(name, argument, locals),
            (None, Json::Object(object)) => {
                for (key, value) in object {
                    self.at(&format!(".{key}"), |walk| walk.json(value, locals));
                }
            }
            (None, Json::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.at(&format!("[{index}]"), |walk| walk.json(item, locals));
                }
            }
            _ => {}
        }
    }

    fn at(&mut self, step: &str, walk: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push_str(step);
        walk(self);
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
                    variables.values().for_each(|value| self.json(value, locals));
                }
            }
            ("Fn::If", Json::Array(parts)) => {
                if let Some(Json::String(condition)) = parts.first()
                    && !self.template.conditions.contains_key(condition)
                {
                    let message = format!("asks for `{condition}`, which is no condition");
                    self.diagnostics.add(self.path.as_str(), message);
                }
                self.json(argument, locals);
            }
            (_, argument) => self.json(argument, locals),
        }
    }

    /// `${Name}` refers, `${Name.Attribute}` refers to a resource, `${!Literal}` is text.
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
        // `AWS::Region` and its like are always there.
        if !known && !id.starts_with("AWS::") {
            let message = format!("refers to `{id}`, which is neither a resource nor a parameter");
            self.diagnostics.add(self.path.as_str(), message);
        }
    }

    fn expect_resource(&mut self, id: &str) {
        if !self.template.resources.contains_key(id) {
            let message = format!("takes an attribute of `{id}`, which is no resource");
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
    fn only_what_leads_nowhere_is_told() {
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
            "Resources.A.DependsOn: names `C`, which is no resource\n\
             Resources.A.Properties.Local: refers to `Y`, which is neither a resource nor a parameter\n\
             Resources.A.Properties.Local: refers to `Z`, which is neither a resource nor a parameter\n\
             Resources.A.Properties.Deep[1][0]: takes an attribute of `B`, which is no resource"
        );
    }
}
