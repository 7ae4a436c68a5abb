//! Where a store is, as an option of a program names it: `DIR`, or `s3://BUCKET/PREFIX`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A folder, or a prefix of an S3 bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A folder, which need not exist.
    Folder(PathBuf),
    /// Objects of S3.
    Bucket(BucketPrefix),
}

/// A part of an S3 bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketPrefix {
    bucket: String,
    /// Without `/` at its ends; may be empty.
    prefix: String,
}

impl BucketPrefix {
    /// The name of the bucket.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The whole key of an object.
    #[must_use]
    pub fn key(&self, key: &str) -> String {
        match self.prefix.as_str() {
            "" => key.to_owned(),
            prefix => format!("{prefix}/{key}"),
        }
    }
}

impl fmt::Display for BucketPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

impl FromStr for BucketPrefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let path = text.strip_prefix("s3://").ok_or("expected s3://BUCKET/PREFIX")?;
        let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
        // The rules of names that an endpoint can have in its host name. Source: "General purpose bucket naming rules",
        // Amazon S3 user guide, read 2026-12-01.
        let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
        if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(is_inner) {
            return Err(format!(
                "`{bucket}` is no bucket name: 3 to 63 lower-case letters, digits, `-` and `.`; expected s3://BUCKET/PREFIX"
            ));
        }
        let prefix = prefix.trim_end_matches('/');
        if prefix.starts_with('/') || prefix.contains("//") {
            return Err(format!(
                "the prefix `{prefix}` has an empty part; expected s3://BUCKET/PREFIX"
            ));
        }
        Ok(Self {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        })
    }
}

impl FromStr for Location {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "" => Err("expected a folder or s3://BUCKET/PREFIX".to_owned()),
            bucket if bucket.starts_with("s3://") => Ok(Self::Bucket(bucket.parse()?)),
            folder => Ok(Self::Folder(folder.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_buckets_are_told_apart() {
        let bucket = |text: &str| match text.parse() {
            Ok(Location::Bucket(bucket)) => bucket,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(bucket("s3://a-bucket").key("views"), "views");
        assert_eq!(bucket("s3://a-bucket/").key("views"), "views");
        assert_eq!(bucket("s3://a-bucket/mesh/shop/").key("views"), "mesh/shop/views");
        assert_eq!(
            bucket("s3://a-bucket/mesh/shop/").to_string(),
            "s3://a-bucket/mesh/shop"
        );
        assert_eq!("/s3".parse(), Ok(Location::Folder("/s3".into())));
    }

    #[test]
    fn a_bucket_that_cannot_exist_is_named() {
        for (text, expected) in [
            ("", "expected a folder"),
            ("s3://", "`` is no bucket name"),
            ("s3://A_bucket/x", "`A_bucket` is no bucket name"),
            ("s3://a-bucket//x", "the prefix `/x` has an empty part"),
            ("s3://a-bucket/x//y", "the prefix `x//y` has an empty part"),
        ] {
            let error = text.parse::<Location>().expect_err(text);
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
