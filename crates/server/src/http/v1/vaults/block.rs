//! One block of a content, passed on as it is read.

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures::TryStreamExt;
use sv_api::endpoint::GetBlock;
use sv_api::wire::BINARY;

use crate::http::answer::Refused;
use crate::http::route::Call;
use crate::metrics::Way;
use crate::service::account::session::{Full, Session};
use crate::service::vault::Read;

pub(crate) async fn block(call: Call<GetBlock, Session<Full>, Body>) -> Result<Response, Refused> {
    let vaults = call.app.vaults();
    let vault = call.param("vault")?;
    let access = vaults.authorise::<Read>(call.caller.uid(), vault).await?;
    let (content, index) = (call.param("content")?, call.param("index")?);
    let block = vaults.block(&access, content, index).await?;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(BINARY)),
        (CONTENT_LENGTH, HeaderValue::from(block.len)),
    ];
    let count = call.app.metrics().block_bytes(Way::Out);
    let bytes = block
        .bytes
        .inspect_ok(move |piece| count(piece.len() as u64));
    Ok((headers, Body::from_stream(bytes)).into_response())
}
