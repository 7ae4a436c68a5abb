//! A parameter of Parameter Store, as read.

/// A parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) version: i64,
    /// Its type in Parameter Store. Only `String` is valid.
    pub(crate) kind: String,
    pub(crate) value: String,
}

#[cfg(test)]
impl Parameter {
    /// A parameter as it should be.
    pub(crate) fn text(name: &str, version: i64, value: &str) -> Self {
        Self {
            name: name.to_owned(),
            version,
            kind: "String".to_owned(),
            value: value.to_owned(),
        }
    }
}
