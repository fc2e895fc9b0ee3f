//! Proves the password.

use sv_api::Endpoint;
use sv_api::endpoint::LoginFinish;

use crate::http::answer::Refused;
use crate::http::caller::Anybody;
use crate::http::route::Call;

pub(crate) async fn finish(
    call: Call<LoginFinish, Anybody>,
) -> Result<<LoginFinish as Endpoint>::Response, Refused> {
    Ok(call.app.accounts().finish_login(&call.body).await?)
}
