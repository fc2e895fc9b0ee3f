//! Starts a log-in.

use sv_api::Endpoint;
use sv_api::endpoint::LoginStart;

use crate::http::answer::Refused;
use crate::http::caller::Anybody;
use crate::http::route::Call;

pub(crate) async fn start(
    call: Call<LoginStart, Anybody>,
) -> Result<<LoginStart as Endpoint>::Response, Refused> {
    let network = call.network.to_bytes();
    Ok(call.app.accounts().start_login(&call.body, network).await?)
}
