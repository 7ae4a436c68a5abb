//! Functions from values to values: `Fn::Join`, `Fn::Select`, `Fn::Split`, `Fn::FindInMap`, `Fn::Base64`,
//! `Fn::GetAZs`, `Fn::Cidr`, `Fn::Length` and `Fn::ToJsonString`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ipnet::IpNet;
use mesh_infra::cfn::unknown;
use serde_json::Value as Json;

use super::physical::REGION;
use super::{Evaluation, Progress, has_unknown, text_of, wrong};

impl Evaluation<'_> {
    pub(super) fn join(self, argument: &Json, path: &str, progress: &mut Progress<'_>) -> Json {
        let Some(arguments) = self.arguments(argument, path, progress) else {
            return unknown();
        };
        match arguments.as_slice() {
            [Json::String(delimiter), Json::Array(items)] => {
                let texts: Vec<String> = items.iter().map(text_of).collect();
                Json::from(texts.join(delimiter))
            }
            _ => wrong(path, "Fn::Join takes a delimiter and a list", progress),
        }
    }

    pub(super) fn split(self, argument: &Json, path: &str, progress: &mut Progress<'_>) -> Json {
        let Some(arguments) = self.arguments(argument, path, progress) else {
            return unknown();
        };
        match arguments.as_slice() {
            [Json::String(delimiter), Json::String(text)] if !delimiter.is_empty() => {
                text.split(delimiter.as_str()).map(Json::from).collect()
            }
            _ => wrong(path, "Fn::Split takes a delimiter and a text", progress),
        }
    }

    pub(super) fn select(self, argument: &Json, path: &str, progress: &mut Progress<'_>) -> Json {
        let Some(arguments) = self.arguments(argument, path, progress) else {
            return unknown();
        };
        let [index, Json::Array(items)] = arguments.as_slice() else {
            return wrong(path, "Fn::Select takes an index and a list", progress);
        };
        let position = text_of(index).parse::<usize>().ok();
        match position.and_then(|position| items.get(position)) {
            Some(item) => item.clone(),
            None => {
                let message = format!("Fn::Select has no item {} in a list of {}", text_of(index), items.len());
                wrong(path, &message, progress)
            }
        }
    }

    pub(super) fn find_in_map(self, argument: &Json, path: &str, progress: &mut Progress<'_>) -> Json {
        let Some(arguments) = self.arguments(argument, path, progress) else {
            return unknown();
        };
        let [map, first, second] = arguments.as_slice() else {
            return wrong(path, "Fn::FindInMap takes a map, a first and a second key", progress);
        };
        let keys = [map, first, second].map(text_of);
        let found = self.stack().template.mappings.get(&keys[0]);
        let found = found
            .and_then(|map| map.get(&keys[1]))
            .and_then(|map| map.get(&keys[2]));
        match found {
            Some(value) => value.clone(),
            None => wrong(
                path,
                &format!("Fn::FindInMap: there is no {}", keys.join(" / ")),
                progress,
            ),
        }
    }

    pub(super) fn base64(self, argument: &Json, path: &str, progress: &mut Progress<'_>) -> Json {
        match self.value(argument, path, progress) {
            Some(value) if has_unknown(&value) => unknown(),
            Some(Json::String(text)) => Json::from(STANDARD.encode(text)),
            _ => wrong(path, "Fn::Base64 takes a text", progress),
        }
    }

    pub(super) fn length(self, argument: &Json, path: &str, progress: &mut Progress<'_>) -> Json {
        match self.value(argument, path, progress) {
            Some(value) if has_unknown(&value) => unknown(),
            Some(Json::Array(items)) => Json::from(items.len()),
            _ => wrong(path, "Fn::Length takes a list", progress),
        }
    }

    pub(super) fn to_json_string(self, argument: &Json, path: &str, progress: &mut Progress<'_>) -> Json {
        match self.value(argument, path, progress) {
            Some(value) if has_unknown(&value) => unknown(),
            Some(value @ (Json::Object(_) | Json::Array(_))) => Json::from(value.to_string()),
            _ => wrong(path, "Fn::ToJsonString takes an object or a list", progress),
        }
    }

    pub(super) fn availability_zones(self) -> Json {
        ["a", "b", "c"]
            .iter()
            .map(|zone| Json::from(format!("{REGION}-{zone}")))
            .collect()
    }

    pub(super) fn cidr(self, argument: &Json, path: &str, progress: &mut Progress<'_>) -> Json {
        /// What CloudFormation allows.
        const MOST: usize = 256;
        let Some(arguments) = self.arguments(argument, path, progress) else {
            return unknown();
        };
        let (block, count, bits) = match arguments.as_slice() {
            [block, count] => (block, count, None),
            [block, count, bits] => (block, count, Some(bits)),
            _ => {
                return wrong(
                    path,
                    "Fn::Cidr takes a block, a count and how many bits are for hosts",
                    progress,
                );
            }
        };
        let number = |json: &Json| text_of(json).parse::<u8>().ok();
        let subnets = || {
            let block: IpNet = text_of(block).parse().ok()?;
            let count = text_of(count)
                .parse::<usize>()
                .ok()
                .filter(|count| (1..=MOST).contains(count))?;
            let bits = bits.map_or(Some(8), number)?;
            let subnets = block.subnets(block.max_prefix_len().checked_sub(bits)?).ok()?;
            let subnets: Vec<Json> = subnets
                .take(count)
                .map(|subnet| Json::from(subnet.to_string()))
                .collect();
            (subnets.len() == count).then_some(Json::Array(subnets))
        };
        subnets().unwrap_or_else(|| {
            let given: Vec<String> = arguments.iter().map(text_of).collect();
            wrong(path, &format!("Fn::Cidr cannot divide {}", given.join(", ")), progress)
        })
    }

    /// The function's arguments, evaluated; an empty list if they are no list, `None` if one is unknown.
    fn arguments(self, argument: &Json, path: &str, progress: &mut Progress<'_>) -> Option<Vec<Json>> {
        match self.value(argument, path, progress) {
            Some(value) if has_unknown(&value) => None,
            Some(Json::Array(arguments)) => Some(arguments),
            _ => Some(Vec::new()),
        }
    }
}
