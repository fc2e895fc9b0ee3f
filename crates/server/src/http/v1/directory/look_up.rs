//! Account chains by handle.

use sv_api::Endpoint;
use sv_api::endpoint::LookUpHandles;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Full, Session};

pub(crate) async fn look_up(
    call: Call<LookUpHandles, Session<Full>>,
) -> Result<<LookUpHandles as Endpoint>::Response, Refused> {
    let (network, accounts) = (call.network.to_bytes(), call.app.accounts());
    Ok(accounts.look_up(&call.caller, &call.body, network).await?)
}
