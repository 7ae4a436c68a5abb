//! Configured access logs.

use envoy_types::pb::envoy::config::accesslog::v3::AccessLog;
use envoy_types::pb::envoy::config::accesslog::v3::access_log::ConfigType;
use envoy_types::pb::envoy::config::core::v3::data_source::Specifier;
use envoy_types::pb::envoy::config::core::v3::substitution_format_string::Format;
use envoy_types::pb::envoy::config::core::v3::{DataSource, SubstitutionFormatString};
use envoy_types::pb::envoy::extensions::access_loggers::file::v3::{FileAccessLog, file_access_log};
use envoy_types::pb::envoy::extensions::access_loggers::stream::v3::{
    StderrAccessLog, StdoutAccessLog, stderr_access_log, stdout_access_log,
};
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Any, Struct, Value};
use mesh_model::app_mesh::logging::{AccessLog as Configured, Logging, LoggingFormat};
use prost::Name;

/// The access log of a virtual node or gateway. Default: none.
pub(super) fn access_logs(logging: Option<&Logging>) -> Vec<AccessLog> {
    let Some(Configured::File(file)) = logging.and_then(|logging| logging.access_log.as_ref()) else {
        return Vec::new();
    };
    // `/dev/stdout` and `/dev/stderr` are Envoy's own streams: its user may lack the permission to open them as files.
    let (name, config) = match file.path.as_str() {
        "/dev/stdout" => {
            let log = |format: Option<SubstitutionFormatString>| StdoutAccessLog {
                access_log_format: format.map(stdout_access_log::AccessLogFormat::LogFormat),
            };
            ("envoy.access_loggers.stdout", formatted(file.format.as_ref(), log))
        }
        "/dev/stderr" => {
            let log = |format: Option<SubstitutionFormatString>| StderrAccessLog {
                access_log_format: format.map(stderr_access_log::AccessLogFormat::LogFormat),
            };
            ("envoy.access_loggers.stderr", formatted(file.format.as_ref(), log))
        }
        path => {
            let log = |format: Option<SubstitutionFormatString>| FileAccessLog {
                path: path.to_owned(),
                access_log_format: format.map(file_access_log::AccessLogFormat::LogFormat),
            };
            ("envoy.access_loggers.file", formatted(file.format.as_ref(), log))
        }
    };
    vec![AccessLog {
        name: name.to_owned(),
        config_type: Some(ConfigType::TypedConfig(config)),
        ..Default::default()
    }]
}

/// A packed log with its format.
fn formatted<M: Name>(format: Option<&LoggingFormat>, log: impl Fn(Option<SubstitutionFormatString>) -> M) -> Any {
    let parts: Vec<M> = match format {
        None => vec![log(None)],
        Some(LoggingFormat::Text(text)) => vec![log(Some(substitution(Format::TextFormatSource(DataSource {
            specifier: Some(Specifier::InlineString(line(text))),
            ..Default::default()
        }))))],
        // A protobuf map with several entries would be encoded in random order, and give the listener a new version at
        // each translation. Concatenated messages are one message with the maps of all of them, in this order; so each
        // entry is encoded as a message of its own. Source: protobuf's encoding, "Last One Wins" (read 2026-11-23).
        Some(LoggingFormat::Json(entries)) => entries
            .iter()
            .map(|entry| {
                let value = Value {
                    kind: Some(Kind::StringValue(entry.value.clone())),
                };
                log(Some(substitution(Format::JsonFormat(Struct {
                    fields: [(entry.key.clone(), value)].into(),
                }))))
            })
            .collect(),
    };
    Any {
        type_url: M::type_url(),
        value: parts.iter().flat_map(M::encode_to_vec).collect(),
    }
}

fn substitution(format: Format) -> SubstitutionFormatString {
    SubstitutionFormatString {
        format: Some(format),
        ..Default::default()
    }
}

/// Envoy does not add line ends.
fn line(text: &str) -> String {
    if text.ends_with('\n') {
        text.to_owned()
    } else {
        format!("{text}\n")
    }
}
