//! Ends this session.

use axum::body::Body;
use axum::response::Response;
use sv_api::endpoint::Logout;
use sv_api::wire::Empty;

use crate::http::answer::Refused;
use crate::http::route::{Call, respond};
use crate::service::account::session::{FullOrRecovery, Session};

pub(crate) async fn log_out(
    call: Call<Logout, Session<FullOrRecovery>, Body>,
) -> Result<Response, Refused> {
    call.app.accounts().log_out(&call.caller).await?;
    let mut response = respond(Empty {});
    if let Some(page) = &call.page {
        page.forget(response.headers_mut());
    }
    Ok(response)
}
