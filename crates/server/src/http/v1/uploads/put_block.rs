//! Stores a block of a content that no entry has named yet. Its bytes are
//! passed on as they come.

use axum::body::Body;
use axum::response::Response;
use futures::TryStreamExt;
use sv_api::endpoint::PutBlock;
use sv_api::wire::Empty;

use crate::blocks::Error;
use crate::http::answer::Refused;
use crate::http::route::{Call, respond};
use crate::metrics::Way;
use crate::service::account::session::{Full, Session};

pub(crate) async fn put_block(
    call: Call<PutBlock, Session<Full>, Body>,
) -> Result<Response, Refused> {
    let (content, index) = (call.param("content")?, call.param("index")?);
    let (call, body) = call.without_body();
    let count = call.app.metrics().block_bytes(Way::In);
    let bytes = body
        .into_data_stream()
        .map_err(|_| Error::Interrupted)
        .inspect_ok(move |piece| count(piece.len() as u64));
    call.app
        .vaults()
        .put_block(call.caller.uid(), content, index, Box::pin(bytes))
        .await?;
    Ok(respond(Empty {}))
}
