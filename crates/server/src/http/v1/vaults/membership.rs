//! Genesis and membership entries of a vault, or of one to which its log leads,
//! a page at a time.

use sv_api::Endpoint;
use sv_api::endpoint::GetMembership;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Full, Session};
use crate::service::vault::Read;

pub(crate) async fn membership(
    call: Call<GetMembership, Session<Full>>,
) -> Result<<GetMembership as Endpoint>::Response, Refused> {
    let vaults = call.app.vaults();
    let vault = call.param("vault")?;
    let access = vaults.authorise::<Read>(call.caller.uid(), vault).await?;
    let (of, from) = (call.param("of")?, call.param("from")?);
    Ok(vaults.membership(&access, of, from).await?)
}
