//! Who calls, from the token: a program sends it as a bearer, a page in its
//! cookie, nobody both.

use axum::http::{HeaderMap, header};
use sv_api::{Auth, ErrorCode};

use super::answer::Refused;
use super::page::Page;
use super::route::Caller;
use crate::app::App;
use crate::service::account::session::{
    Admin, AnySession, Full, FullOrRecovery, SecondFactor, Session, Signup,
};

/// What a request has to show.
pub(crate) struct Credentials<'h> {
    token: Option<&'h str>,
    /// The page that has sent it, if it was one.
    pub(crate) page: Option<Page>,
}

impl<'h> Credentials<'h> {
    /// # Errors
    /// [`ErrorCode::CrossSite`] if another site has sent it in our page's
    /// name, [`ErrorCode::BadRequest`] for a page with a bearer token.
    pub(crate) fn of(headers: &'h HeaderMap) -> Result<Self, Refused> {
        let page = Page::of(headers)?;
        let token = match (&page, bearer(headers)) {
            (None, bearer) => bearer,
            (Some(page), None) => page.token(headers),
            (Some(_), Some(_)) => return Err(ErrorCode::BadRequest.into()),
        };
        Ok(Self { token, page })
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
}

/// Anybody.
pub(crate) struct Anybody;

impl Caller for Anybody {
    const AUTH: Auth = Auth::Public;

    async fn identify(_: &App, _: &Credentials<'_>) -> Result<Self, Refused> {
        Ok(Self)
    }
}

impl Caller for Session<Signup> {
    const AUTH: Auth = Auth::Signup;

    async fn identify(app: &App, credentials: &Credentials<'_>) -> Result<Self, Refused> {
        Ok(session(app, credentials).await?.signup()?)
    }
}

impl Caller for Session<SecondFactor> {
    const AUTH: Auth = Auth::SecondFactor;

    async fn identify(app: &App, credentials: &Credentials<'_>) -> Result<Self, Refused> {
        Ok(session(app, credentials).await?.second_factor()?)
    }
}

impl Caller for Session<Full> {
    const AUTH: Auth = Auth::Full;

    async fn identify(app: &App, credentials: &Credentials<'_>) -> Result<Self, Refused> {
        Ok(session(app, credentials).await?.full()?)
    }
}

impl Caller for Session<FullOrRecovery> {
    const AUTH: Auth = Auth::FullOrRecovery;

    async fn identify(app: &App, credentials: &Credentials<'_>) -> Result<Self, Refused> {
        Ok(session(app, credentials).await?.full_or_recovery()?)
    }
}

impl Caller for Session<Admin> {
    const AUTH: Auth = Auth::Admin;

    async fn identify(app: &App, credentials: &Credentials<'_>) -> Result<Self, Refused> {
        Ok(session(app, credentials).await?.admin()?)
    }
}

async fn session(app: &App, credentials: &Credentials<'_>) -> Result<AnySession, Refused> {
    let token = credentials.token.ok_or(ErrorCode::NotLoggedIn)?;
    Ok(app.accounts().session(token).await?)
}
