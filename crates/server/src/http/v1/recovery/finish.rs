//! Answers a recovery challenge.

use sv_api::Endpoint;
use sv_api::endpoint::RecoveryFinish;

use crate::http::answer::Refused;
use crate::http::caller::Anybody;
use crate::http::route::Call;

pub(crate) async fn finish(
    call: Call<RecoveryFinish, Anybody>,
) -> Result<<RecoveryFinish as Endpoint>::Response, Refused> {
    Ok(call.app.accounts().finish_recovery(&call.body).await?)
}
