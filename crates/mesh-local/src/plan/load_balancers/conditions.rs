//! Conditions of rules.

use mesh_infra::StringList;
use mesh_infra::cfn::elbv2;
use mesh_model::load_balancer::{Condition, Pattern, QueryParameter};
use serde_json::Value as Json;

use super::super::reader::Reader;
use super::super::report;
use super::super::values::{known, texts};

/// The conditions of a rule. `None` if one of them has an error, which was reported.
pub(super) fn read(
    conditions: &[elbv2::RuleCondition],
    path: &str,
    reader: &mut Reader<'_, '_>,
) -> Option<Vec<Condition>> {
    let read: Vec<Option<Condition>> = conditions
        .iter()
        .enumerate()
        .map(|(index, condition)| self::condition(condition, &format!("{path}[{index}]"), reader))
        .collect();
    read.into_iter().collect()
}

fn condition(condition: &elbv2::RuleCondition, path: &str, reader: &mut Reader<'_, '_>) -> Option<Condition> {
    let Some(field) = condition.field.as_ref().and_then(known) else {
        report(reader.diagnostics, format!("{path}.Field"), "is missing");
        return None;
    };
    let own = (&condition.values, &condition.regex_values);
    match field.as_str() {
        "path-pattern" => {
            let config = condition.path_pattern_config.as_ref();
            let given = config.map_or(own, |config| (&config.values, &config.regex_values));
            patterns(given, path, reader).map(Condition::Path)
        }
        "host-header" => {
            let config = condition.host_header_config.as_ref();
            let given = config.map_or(own, |config| (&config.values, &config.regex_values));
            patterns(given, path, reader).map(Condition::Host)
        }
        "http-header" => {
            let Some(config) = &condition.http_header_config else {
                return missing(path, "HttpHeaderConfig", reader);
            };
            let Some(name) = config.http_header_name.as_ref().and_then(known) else {
                return missing(path, "HttpHeaderConfig.HttpHeaderName", reader);
            };
            let values = patterns((&config.values, &config.regex_values), path, reader)?;
            Some(Condition::Header { name, values })
        }
        "http-request-method" => {
            let config = condition.http_request_method_config.as_ref();
            let methods = strings(config.and_then(|config| config.values.as_ref()));
            if methods.is_empty() {
                return missing(path, "HttpRequestMethodConfig.Values", reader);
            }
            Some(Condition::Method(methods))
        }
        "query-string" => {
            let config = condition.query_string_config.as_ref();
            let parameters = config.map_or(&[][..], |config| &config.values);
            let parameters: Vec<QueryParameter> = parameters
                .iter()
                .filter_map(|parameter| {
                    Some(QueryParameter {
                        key: parameter.key.as_ref().and_then(known),
                        value: parameter.value.as_ref().and_then(known)?,
                    })
                })
                .collect();
            if parameters.is_empty() {
                return missing(path, "QueryStringConfig.Values", reader);
            }
            Some(Condition::Query(parameters))
        }
        "source-ip" => source_ip(condition, path, reader),
        other => {
            report(
                reader.diagnostics,
                format!("{path}.Field"),
                format!(
                    "is `{other}`; allowed are host-header, http-header, http-request-method, path-pattern, \
                     query-string and source-ip"
                ),
            );
            None
        }
    }
}

fn missing(path: &str, property: &str, reader: &mut Reader<'_, '_>) -> Option<Condition> {
    report(reader.diagnostics, format!("{path}.{property}"), "is missing");
    None
}

fn source_ip(condition: &elbv2::RuleCondition, path: &str, reader: &mut Reader<'_, '_>) -> Option<Condition> {
    let config = condition.source_ip_config.as_ref();
    let mut blocks = Vec::new();
    let values = texts(config.and_then(|config| config.values.as_ref()));
    for (index, text) in values.iter().enumerate() {
        match text.parse() {
            Ok(block) => blocks.push(block),
            Err(_) => report(
                reader.diagnostics,
                format!("{path}.SourceIpConfig.Values[{index}]"),
                format!("is `{text}`; allowed is a block of addresses, such as 192.0.2.0/24"),
            ),
        }
    }
    if values.is_empty() {
        return missing(path, "SourceIpConfig.Values", reader);
    }
    (blocks.len() == values.len()).then_some(Condition::SourceIp(blocks))
}

/// Wildcard patterns, or regular expressions in their place.
fn patterns(
    (values, regexes): (&Option<Json>, &Option<Json>),
    path: &str,
    reader: &mut Reader<'_, '_>,
) -> Option<Vec<Pattern>> {
    let values = strings(values.as_ref()).into_iter().map(Pattern::Wildcard);
    let regexes = strings(regexes.as_ref()).into_iter().map(Pattern::Regex);
    let patterns: Vec<Pattern> = values.chain(regexes).collect();
    if patterns.is_empty() {
        report(reader.diagnostics, format!("{path}.Values"), "is missing");
        return None;
    }
    Some(patterns)
}

/// The texts of a list, which the schema does not describe. None if it is something else.
fn strings(json: Option<&Json>) -> Vec<String> {
    let list = json.and_then(|json| StringList::from_json(json).ok());
    texts(list.as_ref())
}
