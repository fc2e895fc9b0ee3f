//! Genesis and membership entries of a vault, a page at a time.

use sv_api::Endpoint;
use sv_api::endpoint::GetMembership;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Full, Session};
use crate::service::vault::SeeMembers;

pub(crate) async fn membership(
    call: Call<GetMembership, Session<Full>>,
) -> Result<<GetMembership as Endpoint>::Response, Refused> {
    let vaults = call.app.vaults();
    let vault = call.param("vault")?;
    let access = vaults
        .authorise::<SeeMembers>(call.caller.uid(), vault)
        .await?;
    Ok(vaults.membership(&access, call.param("from")?).await?)
}
