//! Appends an entry, if the log's head is still the one it follows.

use sv_api::Endpoint;
use sv_api::endpoint::AppendEntry;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Full, Session};
use crate::service::vault::Write;

pub(crate) async fn append(
    call: Call<AppendEntry, Session<Full>>,
) -> Result<<AppendEntry as Endpoint>::Response, Refused> {
    let vaults = call.app.vaults();
    let vault = call.param("vault")?;
    let access = vaults.authorise::<Write>(call.caller.uid(), vault).await?;
    let outcome = vaults.append(&access, call.body).await;
    call.app.metrics().append(&outcome);
    Ok(outcome?)
}
