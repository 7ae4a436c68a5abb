//! The JSON of a call: puts members into the body of its request, and keeps the body of its response.
//!
//! The SDK's types of specs can be neither read from JSON nor written as it.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_appmesh::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
};
use aws_sdk_appmesh::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_appmesh::error::BoxError;
use aws_smithy_types::body::SdkBody;
use serde_json::{Map, Value as Json};

/// An interceptor of one call. Clones share the response.
#[derive(Debug, Clone, Default)]
pub(crate) struct JsonBody {
    members: Map<String, Json>,
    response: Arc<Mutex<Option<String>>>,
}

impl JsonBody {
    /// Puts these members into the request.
    pub(crate) fn with_members(members: Map<String, Json>) -> Self {
        Self {
            members,
            response: Arc::default(),
        }
    }

    /// The body of the response. `None` before it has arrived.
    pub(crate) fn response(&self) -> Option<String> {
        self.response.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Intercept for JsonBody {
    fn name(&self) -> &'static str {
        "JsonBody"
    }

    /// Before the signature, which covers the body.
    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if self.members.is_empty() {
            return Ok(());
        }
        let request = context.request_mut();
        let written = request.body().bytes().unwrap_or_default();
        let mut document: Map<String, Json> = match written {
            [] => Map::new(),
            written => serde_json::from_slice(written)?,
        };
        document.extend(self.members.clone());
        let body = serde_json::to_vec(&document)?;
        request.headers_mut().insert("content-length", body.len().to_string());
        *request.body_mut() = SdkBody::from(body);
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response().body().bytes().unwrap_or_default();
        let text = str::from_utf8(body)?.to_owned();
        *self.response.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
        Ok(())
    }
}
