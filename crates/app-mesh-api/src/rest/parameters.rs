//! Parameters in the query string.

use std::collections::BTreeMap;

use mesh_model::app_mesh::ResourcePath;

use crate::error::{ApiError, ErrorCode};
use crate::operation::PageRequest;
use crate::settings::Settings;

/// A parsed query string.
#[derive(Debug)]
pub(super) struct Query(BTreeMap<String, String>);

impl Query {
    /// # Errors
    ///
    /// `BadRequestException` for a parameter that is given twice.
    pub(super) fn parse(query: &str) -> Result<Self, ApiError> {
        let mut parameters = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if parameters
                .insert(name.clone().into_owned(), value.into_owned())
                .is_some()
            {
                return Err(ApiError::bad_request(format!("{name}: is given twice")));
            }
        }
        Ok(Self(parameters))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(super) fn page(&self) -> Result<PageRequest, ApiError> {
        let limit = self.get("limit").map(|limit| {
            limit
                .parse()
                .map_err(|_error| ApiError::bad_request(format!("limit: is {limit:?}; allowed is a whole number")))
        });
        Ok(PageRequest {
            limit: limit.transpose()?,
            next_token: self.get("nextToken").map(str::to_owned),
        })
    }

    /// Meshes of other accounts are not shared with this one.
    pub(super) fn check_mesh_owner(&self, settings: &Settings) -> Result<(), ApiError> {
        match self.get("meshOwner") {
            None => Ok(()),
            Some(owner) if owner == settings.account => Ok(()),
            Some(owner) if owner.len() == 12 && owner.bytes().all(|byte| byte.is_ascii_digit()) => {
                let message = format!("no mesh of account {owner} is shared with account {}", settings.account);
                Err(ApiError::new(ErrorCode::NotFound, message))
            }
            Some(owner) => Err(ApiError::bad_request(format!(
                "meshOwner: is {owner:?}; allowed is an account id of 12 digits"
            ))),
        }
    }

    /// The resource of `resourceArn`.
    pub(super) fn resource(&self, settings: &Settings) -> Result<ResourcePath, ApiError> {
        let arn = self
            .get("resourceArn")
            .ok_or_else(|| ApiError::bad_request("resourceArn: is missing"))?;
        let invalid = || {
            ApiError::bad_request(format!(
                "resourceArn: is {arn:?}, which is not the ARN of a resource of App Mesh"
            ))
        };
        let path = match arn.splitn(6, ':').collect::<Vec<&str>>().as_slice() {
            ["arn", _, "appmesh", _, _, path] => ResourcePath::from_path(path).ok_or_else(invalid)?,
            _ => return Err(invalid()),
        };
        if settings.arn(&path) != arn {
            let message = format!(
                "there is no resource {arn}: this is account {} in {}",
                settings.account, settings.region
            );
            return Err(ApiError::new(ErrorCode::NotFound, message));
        }
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use mesh_model::app_mesh::Kind;

    use super::*;

    fn query(text: &str) -> Query {
        Query::parse(text).unwrap()
    }

    #[test]
    fn resources_are_named_by_their_arn() {
        let settings = Settings::default();
        let found = query("resourceArn=arn%3Aaws%3Aappmesh%3Aus-east-1%3A000000000000%3Amesh%2Fm%2FvirtualNode%2Fn")
            .resource(&settings)
            .unwrap();
        assert_eq!(found, ResourcePath::new("m", Kind::VirtualNode, "n"));
        let code = |arn: &str| {
            query(&format!("resourceArn={arn}"))
                .resource(&settings)
                .unwrap_err()
                .code()
        };
        assert_eq!(
            code("arn:aws:appmesh:eu-west-1:000000000000:mesh/m"),
            ErrorCode::NotFound
        );
        assert_eq!(code("arn:aws:ecs:us-east-1:000000000000:mesh/m"), ErrorCode::BadRequest);
        assert_eq!(code("mesh/m"), ErrorCode::BadRequest);
        assert_eq!(
            query("").resource(&settings).unwrap_err().message(),
            "resourceArn: is missing"
        );
    }

    #[test]
    fn owners_are_checked() {
        let settings = Settings::default();
        let code = |text: &str| query(text).check_mesh_owner(&settings).map_err(|error| error.code());
        assert_eq!(code(""), Ok(()));
        assert_eq!(code("meshOwner=000000000000"), Ok(()));
        assert_eq!(code("meshOwner=111111111111"), Err(ErrorCode::NotFound));
        assert_eq!(code("meshOwner=1"), Err(ErrorCode::BadRequest));
    }

    #[test]
    fn parameters_are_given_once() {
        assert!(Query::parse("limit=1&limit=2").is_err());
        let page = query("limit=7&nextToken=a%2Bb").page().unwrap();
        assert_eq!((page.limit, page.next_token.as_deref()), (Some(7), Some("a+b")));
        assert!(query("limit=-1").page().is_err() && query("limit=x").page().is_err());
    }
}
