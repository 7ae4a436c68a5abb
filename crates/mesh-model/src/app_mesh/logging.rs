//! Access logs of Envoys.

use super::schema::{structure, text, union};

structure! {
    /// Logs of an Envoy.
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct Logging {
        /// One line per request or connection. Default: none.
        access_log: Option<AccessLog> = optional("accessLog"),
    }
}

union! {
    /// Destination of the access log.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum AccessLog {
        /// A file.
        File(FileAccessLog) = "file",
    }
}

structure! {
    /// An access log in a file.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct FileAccessLog {
        /// Path of the file, 1 to 255 characters; usually `/dev/stdout`.
        path: String = required("path", text(1, 255)),
        /// Format of a line. Default, decided by Envoy: its own.
        format: Option<LoggingFormat> = optional("format"),
    }
}

union! {
    /// Format of a line, with Envoy's command operators (`%…%`).
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum LoggingFormat {
        /// A string of 1 to 1000 characters.
        Text(String) = "text" limits(text(1, 1000)),
        /// A JSON object with these entries.
        Json(Vec<JsonFormatRef>) = "json",
    }
}

structure! {
    /// An entry of a JSON object.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct JsonFormatRef {
        /// Key, 1 to 100 characters.
        key: String = required("key", text(1, 100)),
        /// Value, 1 to 100 characters.
        value: String = required("value", text(1, 100)),
    }
}
