//! Who calls, from the bearer token.

use axum::http::{HeaderMap, header};
use sv_api::{Auth, ErrorCode};

use super::answer::Refused;
use super::route::Caller;
use crate::app::App;
use crate::service::account::session::{
    AnySession, Full, FullOrRecovery, SecondFactor, Session, Signup,
};

/// Anybody.
pub(crate) struct Anybody;

impl Caller for Anybody {
    const AUTH: Auth = Auth::Public;

    async fn identify(_: &App, _: &HeaderMap) -> Result<Self, Refused> {
        Ok(Self)
    }
}

impl Caller for Session<Signup> {
    const AUTH: Auth = Auth::Signup;

    async fn identify(app: &App, headers: &HeaderMap) -> Result<Self, Refused> {
        Ok(session(app, headers).await?.signup()?)
    }
}

impl Caller for Session<SecondFactor> {
    const AUTH: Auth = Auth::SecondFactor;

    async fn identify(app: &App, headers: &HeaderMap) -> Result<Self, Refused> {
        Ok(session(app, headers).await?.second_factor()?)
    }
}

impl Caller for Session<Full> {
    const AUTH: Auth = Auth::Full;

    async fn identify(app: &App, headers: &HeaderMap) -> Result<Self, Refused> {
        Ok(session(app, headers).await?.full()?)
    }
}

impl Caller for Session<FullOrRecovery> {
    const AUTH: Auth = Auth::FullOrRecovery;

    async fn identify(app: &App, headers: &HeaderMap) -> Result<Self, Refused> {
        Ok(session(app, headers).await?.full_or_recovery()?)
    }
}

async fn session(app: &App, headers: &HeaderMap) -> Result<AnySession, Refused> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or(ErrorCode::NotLoggedIn)?;
    Ok(app.accounts().session(token).await?)
}
