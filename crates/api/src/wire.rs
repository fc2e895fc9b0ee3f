//! Bodies as bytes: JSON for the small and readable, the ledger's codec for
//! whatever is long or many.

use serde::{Deserialize, Serialize};
use sv_ledger::codec::ParseError;
use utoipa::ToSchema;

/// A body that is not what the endpoint takes or gives.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("malformed {what}")]
pub struct WireError {
    what: String,
    unsupported_suite: Option<u8>,
}

impl WireError {
    /// Names the part that was malformed; never its value.
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            unsupported_suite: None,
        }
    }

    /// The suite of an object in it, if that is one that does not exist.
    pub const fn unsupported_suite(&self) -> Option<u8> {
        self.unsupported_suite
    }
}

impl From<ParseError> for WireError {
    fn from(error: ParseError) -> Self {
        let unsupported_suite = match error {
            ParseError::UnsupportedSuite(suite) => Some(suite),
            _ => None,
        };
        Self {
            what: format!("body: {error}"),
            unsupported_suite,
        }
    }
}

/// A request or response body.
pub trait Wire: Sized {
    /// Its media type; empty for no body at all.
    const CONTENT_TYPE: &'static str;

    /// The body's bytes.
    fn to_bytes(&self) -> Vec<u8>;

    /// Reads a body.
    ///
    /// # Errors
    /// [`WireError`] if it is not one.
    fn parse(bytes: &[u8]) -> Result<Self, WireError>;

    /// The body's bytes, without a copy where it holds nothing else.
    fn into_bytes(self) -> Vec<u8> {
        self.to_bytes()
    }

    /// Reads a body, without a copy where it holds nothing else.
    ///
    /// # Errors
    /// [`WireError`] if it is not one.
    fn parse_owned(bytes: Vec<u8>) -> Result<Self, WireError> {
        Self::parse(&bytes)
    }
}

/// Media type of bodies in the ledger's codec.
pub const BINARY: &str = "application/octet-stream";
/// Media type of JSON bodies.
pub const JSON: &str = "application/json";

/// No body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Empty {}

impl Wire for Empty {
    const CONTENT_TYPE: &'static str = "";

    fn to_bytes(&self) -> Vec<u8> {
        Vec::new()
    }

    fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        if bytes.is_empty() {
            Ok(Self {})
        } else {
            Err(WireError::new("body: none expected"))
        }
    }
}

/// Reads JSON without ever quoting the input in the error.
///
/// # Errors
/// [`WireError`] with the place, not the value.
pub fn parse_json<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T, WireError> {
    serde_json::from_slice(bytes).map_err(|e| {
        WireError::new(format!(
            "JSON body at line {} column {}",
            e.line(),
            e.column()
        ))
    })
}

/// Implements [`Wire`] as JSON.
macro_rules! json_wire {
    ($($name:ty),* $(,)?) => {$(
        impl $crate::wire::Wire for $name {
            const CONTENT_TYPE: &'static str = $crate::wire::JSON;

            fn to_bytes(&self) -> Vec<u8> {
                // Only maps with non-text keys and failing writers fail here.
                serde_json::to_vec(self).unwrap_or_default()
            }

            fn parse(bytes: &[u8]) -> Result<Self, $crate::wire::WireError> {
                $crate::wire::parse_json(bytes)
            }
        }
    )*};
}
pub(crate) use json_wire;
