//! The heads of every vault that the session may read.

use sv_api::Endpoint;
use sv_api::endpoint::ListVaults;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Full, Session};

pub(crate) async fn list(
    call: Call<ListVaults, Session<Full>>,
) -> Result<<ListVaults as Endpoint>::Response, Refused> {
    Ok(call.app.vaults().heads(call.caller.uid()).await?)
}
