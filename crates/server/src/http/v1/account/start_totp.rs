//! Offers a new TOTP secret.

use sv_api::Endpoint;
use sv_api::endpoint::TotpStart;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Full, Session};

pub(crate) async fn start_totp(
    call: Call<TotpStart, Session<Full>>,
) -> Result<<TotpStart as Endpoint>::Response, Refused> {
    Ok(call.app.accounts().start_totp(&call.caller).await?)
}
