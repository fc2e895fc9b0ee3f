//! What crosses the wire: one type per endpoint, the bodies they carry and
//! the error codes they answer with. Knows neither cryptography nor a web
//! framework.

pub mod account;
pub mod admin;
pub mod endpoint;
pub mod error;
pub mod openapi;
pub mod page;
pub mod share;
pub mod text;
pub mod vault;
pub mod wire;

pub use endpoint::{Auth, Endpoint, EndpointInfo, Method};
pub use error::{ApiError, ErrorCode};
pub use text::Base64;
pub use wire::{Wire, WireError};
