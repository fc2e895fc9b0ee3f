//! Leaves as they were after an entry, a page at a time.

use sv_api::Endpoint;
use sv_api::endpoint::GetLeaves;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Full, Session};
use crate::service::vault::Read;

pub(crate) async fn leaves(
    call: Call<GetLeaves, Session<Full>>,
) -> Result<<GetLeaves as Endpoint>::Response, Refused> {
    let vaults = call.app.vaults();
    let vault = call.param("vault")?;
    let access = vaults.authorise::<Read>(call.caller.uid(), vault).await?;
    let (at, after) = (call.param("at")?, call.param("after")?);
    Ok(vaults.leaves(&access, at, after).await?)
}
