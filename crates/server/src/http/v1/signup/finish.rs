//! Completes a sign-up, up to its first one-time code.

use sv_api::Endpoint;
use sv_api::endpoint::SignupFinish;

use crate::http::answer::Refused;
use crate::http::caller::Anybody;
use crate::http::route::Call;

pub(crate) async fn finish(
    call: Call<SignupFinish, Anybody>,
) -> Result<<SignupFinish as Endpoint>::Response, Refused> {
    let network = call.network.to_bytes();
    Ok(call
        .app
        .accounts()
        .finish_signup(call.body, network)
        .await?)
}
