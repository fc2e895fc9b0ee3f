//! Replaces the unlockers.

use sv_api::endpoint::ReplaceUnlockers;
use sv_api::wire::Empty;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::service::account::session::{FullOrRecovery, Session};

pub(crate) async fn replace_unlockers(
    call: Call<ReplaceUnlockers, Session<FullOrRecovery>>,
) -> Result<Empty, Refused> {
    call.app
        .accounts()
        .replace_unlockers(&call.caller, &call.body)
        .await?;
    Ok(Empty {})
}
