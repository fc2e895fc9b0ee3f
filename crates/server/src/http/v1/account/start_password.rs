//! The server's half of a new password.

use sv_api::Endpoint;
use sv_api::endpoint::PasswordStart;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{FullOrRecovery, Session};

pub(crate) async fn start_password(
    call: Call<PasswordStart, Session<FullOrRecovery>>,
) -> Result<<PasswordStart as Endpoint>::Response, Refused> {
    Ok(call
        .app
        .accounts()
        .start_password(&call.caller, &call.body)
        .await?)
}
