//! First blocks of several contents.

use sv_api::Endpoint;
use sv_api::endpoint::GetContents;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Full, Session};
use crate::service::vault::Read;

pub(crate) async fn contents(
    call: Call<GetContents, Session<Full>>,
) -> Result<<GetContents as Endpoint>::Response, Refused> {
    let vaults = call.app.vaults();
    let vault = call.param("vault")?;
    let access = vaults.authorise::<Read>(call.caller.uid(), vault).await?;
    Ok(vaults.contents(&access, &call.body).await?)
}
