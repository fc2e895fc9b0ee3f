//! Contents fetched from a shared vault.

use sv_api::Endpoint;
use sv_api::endpoint::ListAccesses;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Full, Session};
use crate::service::vault::Oversee;

pub(crate) async fn accesses(
    call: Call<ListAccesses, Session<Full>>,
) -> Result<<ListAccesses as Endpoint>::Response, Refused> {
    let vaults = call.app.vaults();
    let vault = call.param("vault")?;
    let access = vaults
        .authorise::<Oversee>(call.caller.uid(), vault)
        .await?;
    Ok(vaults.accesses(&access, call.param("before")?).await?)
}
