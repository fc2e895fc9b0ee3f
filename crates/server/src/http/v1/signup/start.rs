//! Starts a sign-up.

use sv_api::Endpoint;
use sv_api::endpoint::SignupStart;

use crate::http::answer::Refused;
use crate::http::caller::Anybody;
use crate::http::route::Call;

pub(crate) async fn start(
    call: Call<SignupStart, Anybody>,
) -> Result<<SignupStart as Endpoint>::Response, Refused> {
    let network = call.network.to_bytes();
    Ok(call
        .app
        .accounts()
        .start_signup(&call.body, network)
        .await?)
}
