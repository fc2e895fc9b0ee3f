//! Gives a sign-up its first one-time code.

use sv_api::Endpoint;
use sv_api::endpoint::SignupConfirm;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Session, Signup};

pub(crate) async fn confirm(
    call: Call<SignupConfirm, Session<Signup>>,
) -> Result<<SignupConfirm as Endpoint>::Response, Refused> {
    Ok(call
        .app
        .accounts()
        .confirm_signup(&call.caller, &call.body)
        .await?)
}
