//! Labels. Each value is one of a set that is known when the program is built.

use axum::http::Method;
use prometheus_client::encoding::EncodeLabelSet;
use sv_api::ErrorCode;

use super::Way;
use crate::service;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Routed {
    /// The template of its route, or `none`.
    pub(super) route: String,
    pub(super) method: &'static str,
}

/// The same, with what it came to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Request {
    route: String,
    method: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Direction {
    direction: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Outcome {
    outcome: &'static str,
}

/// The program that runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Built {
    version: &'static str,
}

impl Request {
    pub(super) fn new(routed: Routed, status: u16) -> Self {
        Self {
            route: routed.route,
            method: routed.method,
            status,
        }
    }
}

impl From<Way> for Direction {
    fn from(way: Way) -> Self {
        let direction = match way {
            Way::In => "in",
            Way::Out => "out",
        };
        Self { direction }
    }
}

impl Outcome {
    pub(super) fn of_append<T>(outcome: &Result<T, service::Error>) -> Self {
        let outcome = match outcome {
            Ok(_) => "accepted",
            Err(error) => match error.code() {
                ErrorCode::Conflict => "conflict",
                code if code.status() >= 500 => "failed",
                _ => "refused",
            },
        };
        Self { outcome }
    }

    pub(super) const fn of_job(is_done: bool) -> Self {
        let outcome = if is_done { "done" } else { "failed" };
        Self { outcome }
    }
}

impl Built {
    pub(super) const fn this() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// Anybody may invent a method; it is not to become a label.
pub(super) fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}
