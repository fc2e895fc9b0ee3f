//! Records and key envelopes by hash.

use sv_api::Endpoint;
use sv_api::endpoint::GetBodies;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Full, Session};
use crate::service::vault::Read;

pub(crate) async fn bodies(
    call: Call<GetBodies, Session<Full>>,
) -> Result<<GetBodies as Endpoint>::Response, Refused> {
    let vaults = call.app.vaults();
    let vault = call.param("vault")?;
    let access = vaults.authorise::<Read>(call.caller.uid(), vault).await?;
    Ok(vaults.bodies(&access, &call.body).await?)
}
