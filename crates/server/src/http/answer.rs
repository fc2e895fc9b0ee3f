//! What is answered when a service refuses or fails. A failure is logged
//! here, once, and the client learns only that there was one.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sv_api::{ApiError, ErrorCode, Wire};

use crate::service::Error;

/// An error on its way out.
#[derive(Debug)]
pub(crate) struct Refused(ApiError);

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl From<ErrorCode> for Refused {
    fn from(code: ErrorCode) -> Self {
        Self(ApiError::new(code))
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        let answer = error.to_api();
        if answer.code.status() >= 500 {
            tracing::error!(%error, code = ?answer.code, "request failed");
        }
        Self(answer)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.code.status());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = [(header::CONTENT_TYPE, ApiError::CONTENT_TYPE)];
        let mut response = (status, headers, self.0.to_bytes()).into_response();
        if let Some(wait_ms) = self.0.retry_after_ms {
            let seconds = HeaderValue::from(wait_ms.div_ceil(1000));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}
