//! Asks for a recovery challenge.

use sv_api::Endpoint;
use sv_api::endpoint::RecoveryStart;

use crate::http::answer::Refused;
use crate::http::caller::Anybody;
use crate::http::route::Call;

pub(crate) async fn start(
    call: Call<RecoveryStart, Anybody>,
) -> Result<<RecoveryStart as Endpoint>::Response, Refused> {
    let network = call.network.to_bytes();
    Ok(call
        .app
        .accounts()
        .start_recovery(&call.body, network)
        .await?)
}
