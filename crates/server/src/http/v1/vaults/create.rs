//! Makes a vault that the account owns.

use sv_api::Endpoint;
use sv_api::endpoint::CreateVault;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Full, Session};

pub(crate) async fn create(
    call: Call<CreateVault, Session<Full>>,
) -> Result<<CreateVault as Endpoint>::Response, Refused> {
    let (uid, instance) = (call.caller.uid(), call.app.accounts().instance_id());
    Ok(call.app.vaults().create(uid, instance, call.body).await?)
}
