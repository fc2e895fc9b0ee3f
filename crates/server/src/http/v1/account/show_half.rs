//! Hands a session its half.

use sv_api::Endpoint;
use sv_api::endpoint::GetSessionHalf;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{Full, Session};

pub(crate) async fn show_half(
    call: Call<GetSessionHalf, Session<Full>>,
) -> Result<<GetSessionHalf as Endpoint>::Response, Refused> {
    Ok(call.app.accounts().half(&call.caller).await?)
}
