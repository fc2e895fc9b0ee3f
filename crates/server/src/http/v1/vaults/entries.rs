//! Entries of a log, a page at a time.

use sv_api::Endpoint;
use sv_api::endpoint::GetEntries;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Full, Session};
use crate::service::vault::Read;

pub(crate) async fn entries(
    call: Call<GetEntries, Session<Full>>,
) -> Result<<GetEntries as Endpoint>::Response, Refused> {
    let vaults = call.app.vaults();
    let vault = call.param("vault")?;
    let access = vaults.authorise::<Read>(call.caller.uid(), vault).await?;
    Ok(vaults.entries(&access, call.param("from")?).await?)
}
