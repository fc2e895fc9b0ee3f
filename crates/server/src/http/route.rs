//! From the table of endpoints to a router. An endpoint's method, path and
//! caller come from its type, so a handler cannot be mounted elsewhere or for
//! somebody else; and nobody's body is read before the caller is known.

use std::future::Future;
use std::str::FromStr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, FromRequestParts, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use sv_api::account::OpensSession;
use sv_api::{ApiError, Auth, Endpoint, ErrorCode, Method, Wire};
use sv_ledger::limits::REQUEST_LEN;

use super::answer::Refused;
use super::caller::Credentials;
use super::page::Page;
use super::peer::{Network, network};
use crate::app::App;
use crate::service::audit::from_network;

/// Who may call an endpoint, as a type: a value of it is the proof that the
/// caller did log in that far.
pub(crate) trait Caller: Sized + Send {
    /// The row of the table that it is for.
    const AUTH: Auth;

    /// Finds out who calls.
    fn identify(
        app: &App,
        credentials: &Credentials<'_>,
    ) -> impl Future<Output = Result<Self, Refused>> + Send;
}

/// A call of an endpoint.
pub(crate) struct Call<E: Endpoint, A, B = <E as Endpoint>::Request> {
    pub(crate) app: App,
    pub(crate) caller: A,
    pub(crate) network: Network,
    /// The page that calls, if it is one.
    pub(crate) page: Option<Page>,
    pub(crate) body: B,
    params: Vec<(String, String)>,
    endpoint: std::marker::PhantomData<fn() -> E>,
}

impl<E: Endpoint, A, B> Call<E, A, B> {
    /// A parameter of the path.
    pub(crate) fn param<T: FromStr>(&self, name: &str) -> Result<T, Refused> {
        self.params
            .iter()
            .find(|(key, _)| key == name)
            .and_then(|(_, value)| value.parse().ok())
            .ok_or_else(|| ApiError::new(ErrorCode::NotFound).into())
    }
}

/// A router under construction.
#[derive(Default)]
pub(crate) struct Routes {
    router: Router<App>,
    mounted: Vec<(&'static str, &'static str)>,
}

impl Routes {
    /// Mounts the handler of an endpoint.
    pub(crate) fn add<E, A, F, Fut>(self, handler: F) -> Self
    where
        E: Endpoint + 'static,
        E::Request: Send,
        A: Caller + 'static,
        F: Fn(Call<E, A>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<E::Response, Refused>> + Send,
    {
        self.mount::<E, A, _, _>(move |call| {
            let handler = handler.clone();
            async move { Ok(respond(handler(call.read().await?).await?)) }
        })
    }

    /// Mounts the handler of an endpoint whose answer opens a session. To a
    /// page the token goes as a cookie, and not in the answer.
    pub(crate) fn add_opening<E, A, F, Fut>(self, handler: F) -> Self
    where
        E: Endpoint + 'static,
        E::Request: Send,
        E::Response: OpensSession,
        A: Caller + 'static,
        F: Fn(Call<E, A>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<E::Response, Refused>> + Send,
    {
        self.mount::<E, A, _, _>(move |call| {
            let handler = handler.clone();
            async move {
                let jar = call.page.as_ref().map(Page::jar).transpose()?;
                let mut answer = handler(call.read().await?).await?;
                let Some(jar) = jar else {
                    return Ok(respond(answer));
                };
                let token = answer.take_token().unwrap_or_default();
                let mut response = respond(answer);
                jar.keep(response.headers_mut(), &token);
                Ok(response)
            }
        })
    }

    /// Mounts a handler that reads the body, or writes the answer, by itself.
    pub(crate) fn add_raw<E, A, F, Fut>(self, handler: F) -> Self
    where
        E: Endpoint + 'static,
        A: Caller + 'static,
        F: Fn(Call<E, A, Body>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Response, Refused>> + Send,
    {
        self.mount::<E, A, _, _>(handler)
    }

    /// Methods and paths so far, to be held against the table.
    #[cfg(test)]
    pub(crate) fn mounted(&self) -> &[(&'static str, &'static str)] {
        &self.mounted
    }

    pub(crate) fn into_router(self) -> Router<App> {
        self.router
    }

    fn mount<E, A, F, Fut>(mut self, handler: F) -> Self
    where
        E: Endpoint + 'static,
        A: Caller + 'static,
        F: Fn(Call<E, A, Body>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Response, Refused>> + Send,
    {
        const { assert!(A::AUTH as u8 == E::AUTH as u8, "handler for another caller") };
        let service = move |State(app): State<App>, request: Request| {
            let handler = handler.clone();
            async move {
                let call = match identify::<E, A>(app, request).await {
                    Ok(call) => call,
                    Err(refused) => return refused.into_response(),
                };
                from_network(call.network.to_bytes(), handler(call))
                    .await
                    .unwrap_or_else(IntoResponse::into_response)
            }
        };
        self.mounted.push((E::METHOD.as_str(), E::PATH));
        self.router = self.router.route(E::PATH, on(filter(E::METHOD), service));
        self
    }
}

impl<E: Endpoint, A, B> Call<E, A, B> {
    pub(crate) fn without_body(self) -> (Call<E, A, ()>, B) {
        let call = Call {
            app: self.app,
            caller: self.caller,
            network: self.network,
            page: self.page,
            body: (),
            params: self.params,
            endpoint: self.endpoint,
        };
        (call, self.body)
    }
}

impl<E: Endpoint, A> Call<E, A, Body> {
    /// The call with its body, which is read only now that the caller is known.
    async fn read(self) -> Result<Call<E, A>, Refused> {
        let (call, body) = self.without_body();
        let bytes = read(body, body_limit(E::PATH)).await?;
        let body = E::Request::parse_owned(bytes.into())
            .map_err(|e| ApiError::with_message(ErrorCode::BadRequest, e.to_string()))?;
        Ok(call.with_body(body))
    }
}

impl<E: Endpoint, A> Call<E, A, ()> {
    fn with_body<B>(self, body: B) -> Call<E, A, B> {
        Call {
            app: self.app,
            caller: self.caller,
            network: self.network,
            page: self.page,
            body,
            params: self.params,
            endpoint: self.endpoint,
        }
    }
}

async fn identify<E: Endpoint, A: Caller>(
    app: App,
    request: Request,
) -> Result<Call<E, A, Body>, Refused> {
    let (mut parts, body) = request.into_parts();
    let credentials = Credentials::of(&parts.headers)?;
    let caller = A::identify(&app, &credentials).await?;
    let page = credentials.page;
    let network = network_of(&parts, &app);
    let params = RawPathParams::from_request_parts(&mut parts, &())
        .await
        .map_err(|_| ApiError::new(ErrorCode::NotFound))?
        .iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    Ok(Call {
        app,
        caller,
        network,
        page,
        body,
        params,
        endpoint: std::marker::PhantomData,
    })
}

fn network_of(parts: &Parts, app: &App) -> Network {
    let connection = parts.extensions.get::<ConnectInfo<std::net::SocketAddr>>();
    network(
        connection.map(|c| c.0),
        &parts.headers,
        app.trusted_proxies(),
    )
}

/// Reads a body whole; never more than `limit` bytes of it.
async fn read(body: Body, limit: usize) -> Result<Bytes, Refused> {
    use axum::body::HttpBody;
    let claimed = body.size_hint().lower();
    if claimed > limit as u64 {
        return Err(ApiError::new(ErrorCode::TooLarge).into());
    }
    axum::body::to_bytes(body, limit).await.map_err(|error| {
        let is_limit = std::error::Error::source(&error)
            .is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>);
        let code = match is_limit {
            true => ErrorCode::TooLarge,
            false => ErrorCode::BadRequest,
        };
        ApiError::new(code).into()
    })
}

/// Small for what anybody may send, larger for what only a signed-in account does.
fn body_limit(path: &str) -> usize {
    match path {
        "/v1/signup/finish" | "/v1/account/unlockers" => SIGNUP_LEN,
        _ if path.starts_with("/v1/vaults") => REQUEST_LEN,
        _ => SMALL_LEN,
    }
}

/// Bytes of a request about an account.
const SMALL_LEN: usize = 16 * 1024;
/// Bytes of a sign-up, which is two vaults at their birth.
pub(crate) const SIGNUP_LEN: usize = 256 * 1024;

/// An answer's bytes with its media type.
pub(crate) fn respond<W: Wire>(answer: W) -> Response {
    match W::CONTENT_TYPE {
        "" => StatusCode::OK.into_response(),
        media_type => ([(header::CONTENT_TYPE, media_type)], answer.into_bytes()).into_response(),
    }
}

const fn filter(method: Method) -> MethodFilter {
    match method {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Put => MethodFilter::PUT,
        Method::Delete => MethodFilter::DELETE,
    }
}
