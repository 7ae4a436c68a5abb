//! Images in Amazon ECR: their names and manifests.

use serde_json::{Value as Json, json};

use crate::environment::Environment;
use crate::error::Error;
use crate::json_api::ECR;

/// Manifest types that are understood. Without a list, ECR converts an index to an image of its choice.
const MANIFEST_TYPES: [&str; 4] = [
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
];

/// An image in ECR, from `ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG` or `…@DIGEST`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EcrImage {
    pub(super) account: String,
    pub(super) region: String,
    pub(super) repository: String,
    /// Tag or digest. Default: `latest`.
    pub(super) reference: String,
}

/// What ECR has of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lookup {
    NoRepository,
    NoImage,
    Found {
        /// The architectures of a multi-platform image, in OCI's names; empty if the manifest has none.
        architectures: Vec<String>,
        /// The digest of the manifest: for a multi-platform image, of its index.
        digest: Option<String>,
    },
}

impl EcrImage {
    pub(super) fn parse(image: &str) -> Option<Self> {
        let (host, path) = image.split_once('/')?;
        let (account, rest) = host.split_once(".dkr.ecr.").or_else(|| host.split_once(".dkr-ecr."))?;
        let is_account = account.len() == 12 && account.bytes().all(|digit| digit.is_ascii_digit());
        let (region, domain) = rest.split_once('.')?;
        let is_of_aws = ["amazonaws.com", "amazonaws.com.cn", "on.aws", "amazonaws.eu"].contains(&domain);
        if !is_account || !is_of_aws {
            return None;
        }
        let (repository, reference) = match path.split_once('@') {
            Some((repository, digest)) => (repository.split_once(':').map_or(repository, |(name, _)| name), digest),
            None => path.split_once(':').unwrap_or((path, "latest")),
        };
        Some(Self {
            account: account.to_owned(),
            region: region.to_owned(),
            repository: repository.to_owned(),
            reference: reference.to_owned(),
        })
    }

    /// Whether the reference is a digest.
    pub(super) fn is_digest(&self) -> bool {
        self.reference.contains(':')
    }

    fn id(&self) -> Json {
        match self.is_digest() {
            true => json!({"imageDigest": self.reference}),
            false => json!({"imageTag": self.reference}),
        }
    }
}

impl Environment {
    /// Looks up an image.
    pub(super) async fn look_up(&self, image: &EcrImage) -> Result<Lookup, Error> {
        let body = json!({
            "registryId": image.account,
            "repositoryName": image.repository,
            "imageIds": [image.id()],
            "acceptedMediaTypes": MANIFEST_TYPES,
        });
        let described = format!("repository `{}`", image.repository);
        match self.json_call(ECR, "BatchGetImage", &described, &body).await {
            Ok(response) => Ok(read(&response)),
            Err(error) if error.has_code("RepositoryNotFoundException") => Ok(Lookup::NoRepository),
            Err(error) => Err(error),
        }
    }
}

/// The response of `BatchGetImage`.
fn read(response: &Json) -> Lookup {
    let image = &response["images"][0];
    let Some(manifest) = image["imageManifest"].as_str() else {
        return Lookup::NoImage;
    };
    let digest = image["imageId"]["imageDigest"].as_str().map(str::to_owned);
    let manifest: Json = serde_json::from_str(manifest).unwrap_or_default();
    let platforms = manifest["manifests"].as_array().into_iter().flatten();
    let architectures = platforms.filter_map(|manifest| manifest["platform"]["architecture"].as_str());
    // Attestations have the architecture `unknown`.
    let mut architectures: Vec<_> = architectures
        .filter(|name| *name != "unknown")
        .map(str::to_owned)
        .collect();
    architectures.dedup();
    Lookup::Found { architectures, digest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_of_ecr_has_account_region_repository_and_reference() {
        let host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
        for (path, repository, reference) in [
            ("shop", "shop", "latest"),
            ("team/shop:1.2", "team/shop", "1.2"),
            ("shop@sha256:ab", "shop", "sha256:ab"),
            ("shop:1@sha256:ab", "shop", "sha256:ab"),
        ] {
            let image = EcrImage::parse(&format!("{host}/{path}")).unwrap();
            assert_eq!(
                (image.repository.as_str(), image.reference.as_str()),
                (repository, reference),
                "{path}"
            );
            assert_eq!(
                (image.account.as_str(), image.region.as_str()),
                ("123456789012", "eu-west-1")
            );
        }
        for other in [
            "nginx:1",
            "public.ecr.aws/x/y:1",
            "123456789012.dkr.ecr.eu-west-1.example.com/shop",
            "12.dkr.ecr.eu-west-1.amazonaws.com/shop",
        ] {
            assert_eq!(EcrImage::parse(other), None, "{other}");
        }
    }

    #[test]
    fn architectures_and_digest_are_read() {
        let index = json!({"manifests": [
            {"platform": {"architecture": "arm64"}}, {"platform": {"architecture": "unknown"}},
        ]});
        let response = |manifest: &Json| {
            let id = json!({"imageDigest": "sha256:ab", "imageTag": "1"});
            json!({"images": [{"imageId": id, "imageManifest": manifest.to_string()}]})
        };
        let found = |architectures: &[&str]| Lookup::Found {
            architectures: architectures.iter().map(|name| (*name).to_owned()).collect(),
            digest: Some("sha256:ab".to_owned()),
        };
        assert_eq!(read(&response(&index)), found(&["arm64"]));
        assert_eq!(read(&response(&json!({"config": {}}))), found(&[]));
        let missing = json!({"images": [], "failures": [{"failureCode": "ImageNotFound"}]});
        assert_eq!(read(&missing), Lookup::NoImage);
    }
}
