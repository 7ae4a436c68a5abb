//! Reads and writes App Mesh's documents, in the key casing of the API or of CloudFormation.
//!
//! A document is first validated against its schema as a whole, with all errors reported, and then deserialized.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sidecar_contract::{Diagnostics, ValidationErrors};

use super::cursor::{Cursor, key};
use super::kind::Kind;
use super::reader::Reader;
use super::schema::Schema;
use super::{
    GatewayRouteSpec, MeshSpec, RouteSpec, VirtualGatewaySpec, VirtualNodeSpec, VirtualRouterSpec, VirtualServiceSpec,
    rules,
};
use crate::key_casing::{KeyCasing, map_keys};

/// The `spec` of a resource.
pub trait Spec: Serialize + DeserializeOwned + sealed::Sealed {
    /// The type of the resource.
    const KIND: Kind;

    /// Reads a spec. `path` is the path to the document, with which the path of every error starts.
    ///
    /// # Errors
    ///
    /// All errors: unknown and missing fields, values beyond their limits, unions with none or several of their
    /// fields, and, if all fields are valid, combinations that App Mesh rejects.
    fn read(document: &Value, casing: KeyCasing, path: &str) -> Result<Self, ValidationErrors> {
        let spec: Self = parse(document, casing, path)?;
        let mut diagnostics = Diagnostics::new();
        spec.check_rules(&mut Cursor::new(casing, path, &mut diagnostics));
        diagnostics.into_result(spec)
    }

    /// Writes the spec. Reading and writing is lossless.
    fn write(&self, casing: KeyCasing) -> Value {
        // Specs have string keys and no floating-point numbers, so serialization cannot fail.
        let document = serde_json::to_value(self).unwrap_or_default();
        match casing {
            KeyCasing::Camel => document,
            // No object of App Mesh has user-defined keys.
            KeyCasing::Pascal => map_keys(document, &|name| key(name, KeyCasing::Pascal)),
        }
    }
}

mod sealed {
    /// The set of specs is App Mesh's.
    pub trait Sealed: super::Schema {
        /// Checks combinations of fields.
        fn check_rules(&self, cursor: &mut super::Cursor<'_>);
    }
}

/// Reads a spec without checking combinations of fields.
pub(super) fn parse<S: Spec>(document: &Value, casing: KeyCasing, path: &str) -> Result<S, ValidationErrors> {
    let mut diagnostics = Diagnostics::new();
    let mut reader = Reader {
        casing,
        in_gateway: S::KIND == Kind::VirtualGateway,
        diagnostics: &mut diagnostics,
    };
    let document = reader.read(S::SHAPE, document, path);
    let document = diagnostics.into_result(document)?;
    // Schema and struct have one definition, so this fails only for an integer whose limits exceed its type.
    serde_json::from_value(document).map_err(|error| ValidationErrors::single(path, format!("is not valid: {error}")))
}

macro_rules! specs {
    ($($kind:ident: $spec:ty => $check:path),* $(,)?) => {
        $(
            impl Spec for $spec {
                const KIND: Kind = Kind::$kind;
            }

            impl sealed::Sealed for $spec {
                fn check_rules(&self, cursor: &mut Cursor<'_>) {
                    $check(self, cursor);
                }
            }
        )*
    };
}

specs! {
    Mesh: MeshSpec => rules::mesh,
    VirtualNode: VirtualNodeSpec => rules::virtual_node,
    VirtualRouter: VirtualRouterSpec => rules::virtual_router,
    Route: RouteSpec => rules::route,
    VirtualService: VirtualServiceSpec => rules::virtual_service,
    VirtualGateway: VirtualGatewaySpec => rules::virtual_gateway,
    GatewayRoute: GatewayRouteSpec => rules::gateway_route,
}
