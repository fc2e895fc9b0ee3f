//! Typed calls of the server's endpoints.

use bytes::Bytes;
use rand_core::Rng;
use sv_api::{ApiError, Endpoint, ErrorCode, Method, Wire, WireError};
use sv_ledger::limits::REQUEST_LEN;
use zeroize::Zeroizing;

use crate::error::{ClientError, Result, Tamper};
use crate::port::{Http, HttpRequest, HttpResponse, Platform};

/// How often a call that may be repeated is tried when the server is away.
const ATTEMPTS: u32 = 5;
/// Milliseconds before the second attempt; doubled for each further one.
const BACKOFF_MS: u64 = 150;

/// The server, as one session sees it.
pub struct Server<'p, P> {
    platform: &'p P,
    token: Option<Zeroizing<String>>,
}

/// Whether a call may be sent again when its answer was lost.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Doing it twice is doing it once.
    Safe,
    /// Doing it twice could do harm or use something up.
    Never,
}

impl<'p, P: Platform> Server<'p, P> {
    /// Without a session.
    pub const fn anonymous(platform: &'p P) -> Self {
        Self {
            platform,
            token: None,
        }
    }

    /// In a session: with its token, or without where a browser keeps that.
    pub fn in_session(platform: &'p P, token: Option<&str>) -> Self {
        Self {
            platform,
            token: token.map(|token| Zeroizing::new(token.to_owned())),
        }
    }

    /// Calls an endpoint.
    ///
    /// # Errors
    /// [`ClientError::Offline`], [`ClientError::Refused`] or
    /// [`ClientError::Misbehaved`].
    pub async fn call<E: Endpoint>(
        &self,
        endpoint: &E,
        request: E::Request,
        repeat: Repeat,
    ) -> Result<E::Response> {
        let asked = Asked {
            method: E::METHOD,
            path: endpoint.path(),
            content_type: E::Request::CONTENT_TYPE,
            body: Bytes::from(request.into_bytes()),
        };
        // Boxed, and the same code for every endpoint: a browser loads it.
        let body = Box::pin(self.ask(asked, repeat)).await?;
        E::Response::parse_owned(body).map_err(|error| not_understood(&error))
    }

    async fn ask(&self, asked: Asked, repeat: Repeat) -> Result<Vec<u8>> {
        let attempts = if repeat == Repeat::Safe { ATTEMPTS } else { 1 };
        let mut attempt = 1;
        loop {
            match self.send(&asked).await {
                Err(error) if attempt < attempts && is_passing(&error) => {
                    self.back_off(attempt, &error).await;
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn send(&self, asked: &Asked) -> Result<Vec<u8>> {
        let request = HttpRequest {
            method: asked.method,
            path: asked.path.clone(),
            content_type: asked.content_type,
            token: self.token.as_ref().map(|token| token.as_str()),
            body: asked.body.clone(),
            max_response: REQUEST_LEN,
        };
        let HttpResponse { status, body } = self.platform.http().send(request).await?;
        if (200..300).contains(&status) {
            return Ok(body);
        }
        Err(match ApiError::parse(&body) {
            Ok(error) if error.code == ErrorCode::Damaged => Tamper::Damaged.into(),
            Ok(error) => ClientError::Refused(error),
            Err(_) if status >= 500 => ClientError::Refused(ApiError::new(ErrorCode::Unavailable)),
            Err(_) => ClientError::Misbehaved(format!("status {status} without a reason")),
        })
    }

    async fn back_off(&self, attempt: u32, error: &ClientError) {
        let wanted = match error {
            ClientError::Refused(error) => error.retry_after_ms.unwrap_or(0),
            _ => 0,
        };
        let base = BACKOFF_MS << attempt.min(6);
        let jitter = self.platform.random().next_u64() % base;
        self.platform
            .sleep((base / 2 + jitter).max(wanted.min(30_000)))
            .await;
    }
}

/// A request, whichever endpoint it is for.
struct Asked {
    method: Method,
    path: String,
    content_type: &'static str,
    body: Bytes,
}

fn not_understood(error: &WireError) -> ClientError {
    match error.unsupported_suite() {
        Some(suite) => Tamper::UnsupportedSuite(suite).into(),
        None => ClientError::Misbehaved(error.to_string()),
    }
}

/// Whether trying again later may help.
fn is_passing(error: &ClientError) -> bool {
    matches!(error, ClientError::Offline(_))
        || error.is_refusal(ErrorCode::Unavailable)
        || error.is_refusal(ErrorCode::RateLimited)
}
