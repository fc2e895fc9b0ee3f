//! Hashes of a content's blocks, a page at a time.

use sv_api::Endpoint;
use sv_api::endpoint::GetBlockHashes;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Full, Session};
use crate::service::vault::Read;

pub(crate) async fn hashes(
    call: Call<GetBlockHashes, Session<Full>>,
) -> Result<<GetBlockHashes as Endpoint>::Response, Refused> {
    let vaults = call.app.vaults();
    let vault = call.param("vault")?;
    let access = vaults.authorise::<Read>(call.caller.uid(), vault).await?;
    let (content, from) = (call.param("content")?, call.param("from")?);
    Ok(vaults.block_hashes(&access, content, from).await?)
}
