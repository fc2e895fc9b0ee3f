//! The present list of unlockers and their wraps.

use sv_api::Endpoint;
use sv_api::endpoint::GetUnlockers;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{FullOrRecovery, Session};

pub(crate) async fn show_unlockers(
    call: Call<GetUnlockers, Session<FullOrRecovery>>,
) -> Result<<GetUnlockers as Endpoint>::Response, Refused> {
    Ok(call.app.accounts().unlockers(&call.caller).await?)
}
