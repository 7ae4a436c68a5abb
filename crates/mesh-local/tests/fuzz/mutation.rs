//! Mutations of templates: of their lines, and of their values.

use cfn::Template;
use fastrand::Rng;
use serde_json::{Map, Value as Json, json};

/// Names and texts with a meaning in templates.
const WORDS: [&str; 44] = [
    "AWS::NoValue",
    "AWS::Region",
    "AWS::ECS::Service",
    "AWS::CloudFormation::Stack",
    "AWS::AppMesh::VirtualNode",
    "Cluster",
    "Cluster.Arn",
    "Condition",
    "DependsOn",
    "Fn::FindInMap",
    "Fn::ForEach::Loop",
    "Fn::GetAtt",
    "Fn::If",
    "Fn::ImportValue",
    "Fn::Join",
    "Fn::Length",
    "Fn::Select",
    "Fn::Split",
    "Fn::Sub",
    "Fn::ToJsonString",
    "Fn::Transform",
    "Name",
    "Properties",
    "Ref",
    "Resources",
    "Stage",
    "Task",
    "Type",
    "Web",
    "${AWS::StackName}",
    "${Stage}",
    "&{Stage}",
    "{{resolve:ssm:/a}}",
    "{{resolve:secretsmanager:a:SecretString:b}}",
    "{{resolve:ssm:${Stage}}}",
    "!Ref Web",
    "!Sub '${Web}'",
    "!If [IsLive, 1, 2]",
    "!Cidr [10.0.0.0/8, 256, 8]",
    "*alias",
    "&anchor",
    "0.yaml",
    "-1",
    "99999999999999999999",
];

/// A mutation of one of the inputs.
pub(crate) fn mutate(inputs: &[String], random: &mut Rng) -> String {
    let mut text = random.choice(inputs).cloned().unwrap_or_default();
    for _ in 0..random.usize(1..5) {
        text = match Template::document_from_text(&text) {
            // A document keeps being one more often than not.
            Ok(document) if random.u8(..) < 180 => {
                let mut document = document;
                let part = random
                    .choice(inputs)
                    .and_then(|other| Template::document_from_text(other).ok());
                change_value(&mut document, &part.unwrap_or_default(), random);
                format!("{document:#}")
            }
            _ => change_lines(&text, random),
        };
    }
    text
}

fn word(random: &mut Rng) -> &'static str {
    WORDS[random.usize(..WORDS.len())]
}

fn change_lines(text: &str, random: &mut Rng) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.is_empty() {
        return word(random).to_owned();
    }
    let at = random.usize(..lines.len());
    let other = random.usize(..lines.len());
    match random.u8(..8) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(other, lines[at].clone()),
        2 => lines.swap(at, other),
        3 => lines[at].insert_str(0, "  "),
        4 => lines[at] = lines[at].trim_start_matches("  ").to_owned(),
        5 => {
            let place = boundary(&lines[at], random.usize(..=lines[at].len()));
            lines[at].insert_str(place, word(random));
        }
        6 => {
            let place = boundary(&lines[at], random.usize(..=lines[at].len()));
            lines[at].truncate(place);
        }
        _ => lines.truncate(at + 1),
    }
    lines.join("\n")
}

/// The next boundary between letters.
fn boundary(text: &str, index: usize) -> usize {
    (index..=text.len())
        .find(|index| text.is_char_boundary(*index))
        .unwrap_or(0)
}

/// Changes one value of a document.
fn change_value(document: &mut Json, other: &Json, random: &mut Rng) {
    let copy = any_part(other, random).clone();
    let mut value = document;
    // Deep values are more frequent than the whole.
    while random.u8(..) < 230 {
        let is_last = match value {
            Json::Object(entries) => entries.is_empty(),
            Json::Array(items) => items.is_empty(),
            _ => true,
        };
        if is_last {
            break;
        }
        value = match value {
            Json::Object(entries) => {
                let index = random.usize(..entries.len());
                entries.values_mut().nth(index).expect("in range")
            }
            Json::Array(items) => {
                let index = random.usize(..items.len());
                &mut items[index]
            }
            scalar => scalar,
        };
    }
    let before = value.take();
    *value = changed(before, copy, random);
}

/// A part of a document, of any depth.
fn any_part<'j>(document: &'j Json, random: &mut Rng) -> &'j Json {
    let mut part = document;
    while random.u8(..) < 200 {
        let next = match part {
            Json::Object(entries) if !entries.is_empty() => entries.values().nth(random.usize(..entries.len())),
            Json::Array(items) if !items.is_empty() => items.get(random.usize(..items.len())),
            _ => None,
        };
        match next {
            Some(next) => part = next,
            None => break,
        }
    }
    part
}

fn changed(value: Json, copy: Json, random: &mut Rng) -> Json {
    match (random.u8(..12), value) {
        (0, _) => copy,
        (1, _) => Json::Null,
        (2, _) => json!(random.i32(..)),
        (3, _) => json!(word(random)),
        (4, value) => Json::Object(Map::from_iter([(word(random).to_owned(), value)])),
        (5, value) => json!({"Fn::Join": ["", [value.clone(), value]]}),
        (6, value) => json!({"Fn::Sub": ["${A}${A}", {"A": value}]}),
        (7, value) => json!([value.clone(), value]),
        (8, _) => json!({"Ref": word(random)}),
        (9, Json::Object(mut entries)) => {
            entries.insert(word(random).to_owned(), copy);
            Json::Object(entries)
        }
        (10, Json::Object(mut entries)) => {
            if let Some(key) = entries.keys().nth(random.usize(..entries.len().max(1))).cloned() {
                entries.shift_remove(&key);
            }
            Json::Object(entries)
        }
        (_, Json::Array(mut items)) => {
            items.push(copy);
            Json::Array(items)
        }
        (_, Json::String(text)) => {
            let place = boundary(&text, random.usize(..=text.len()));
            let (before, after) = text.split_at(place);
            json!(format!("{before}{}{after}", word(random)))
        }
        (_, value) => value,
    }
}
