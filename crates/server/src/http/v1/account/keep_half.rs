//! Keeps a session's half of what opens the root key on its client.

use sv_api::Endpoint;
use sv_api::endpoint::KeepSessionHalf;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Full, Session};

pub(crate) async fn keep_half(
    call: Call<KeepSessionHalf, Session<Full>>,
) -> Result<<KeepSessionHalf as Endpoint>::Response, Refused> {
    let accounts = call.app.accounts();
    Ok(accounts.keep_half(&call.caller, &call.body).await?)
}
