//! Has the account deleted after a grace period.

use axum::body::Body;
use axum::response::Response;
use sv_api::endpoint::DeleteAccount;

use crate::http::answer::Refused;
use crate::http::route::{Call, respond};
use crate::service::account::session::{Full, Session};

pub(crate) async fn delete(
    call: Call<DeleteAccount, Session<Full>, Body>,
) -> Result<Response, Refused> {
    let deletion = call.app.accounts().delete_account(&call.caller).await?;
    let mut response = respond(deletion);
    if let Some(page) = &call.page {
        page.forget(response.headers_mut());
    }
    Ok(response)
}
