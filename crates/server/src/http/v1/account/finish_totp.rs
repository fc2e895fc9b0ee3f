//! Puts the new TOTP secret in force.

use sv_api::endpoint::TotpFinish;
use sv_api::wire::Empty;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Full, Session};

pub(crate) async fn finish_totp(call: Call<TotpFinish, Session<Full>>) -> Result<Empty, Refused> {
    call.app
        .accounts()
        .finish_totp(&call.caller, &call.body)
        .await?;
    Ok(Empty {})
}
