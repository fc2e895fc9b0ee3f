//! Gives the second factor.

use sv_api::Endpoint;
use sv_api::endpoint::LoginSecondFactor;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{SecondFactor, Session};

pub(crate) async fn second_factor(
    call: Call<LoginSecondFactor, Session<SecondFactor>>,
) -> Result<<LoginSecondFactor as Endpoint>::Response, Refused> {
    Ok(call
        .app
        .accounts()
        .finish_second_factor(&call.caller, &call.body)
        .await?)
}
