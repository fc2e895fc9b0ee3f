//! The newest entry that a new device may start from.

use sv_api::Endpoint;
use sv_api::endpoint::GetCheckpoint;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Full, Session};
use crate::service::vault::Read;

pub(crate) async fn checkpoint(
    call: Call<GetCheckpoint, Session<Full>>,
) -> Result<<GetCheckpoint as Endpoint>::Response, Refused> {
    let vaults = call.app.vaults();
    let vault = call.param("vault")?;
    let access = vaults.authorise::<Read>(call.caller.uid(), vault).await?;
    Ok(vaults.checkpoint(&access).await?)
}
