//! Fernet tokens on their way up, each verified as a whole before the upload is
//! planned and opened while it is sent; and files on their way out as tokens.

use std::rc::Rc;

use sv_client::ClientError;
use sv_client::port::Platform;
use sv_core::error::FernetError;
use sv_core::fernet::{FernetKeys, token_len};
use sv_core::record::Kind;
use sv_core::{FernetKey, Name};
use sv_ledger::limits::BLOCK_LEN;
use wasm_bindgen::JsValue;
use zeroize::Zeroizing;

use super::super::fernet::{self, Reading, Token};
use super::super::links::Target;
use super::super::open::Open;
use super::new_row;
use super::upload::{Gathered, gather};
use crate::worker::failure::Failure;
use crate::worker::mime::BINARY;
use sv_bridge::token::{TOKEN_ENDING, without_token_ending};
use sv_bridge::{
    ExportToken, PlanTokens, PlannedUpload, TokenLink, TransferKind, TransferRow, UploadEntry,
};

/// The last second of the year 9999, which a record can name.
const LAST_S: u64 = 253_402_300_799;

impl Open<'_> {
    pub(crate) async fn plan_tokens(
        &self,
        call: PlanTokens,
        objects: Vec<JsValue>,
    ) -> Result<PlannedUpload, Failure> {
        let keys = fernet::keys(&Zeroizing::new(call.keys))?;
        let folder = self.destination(call.into).await?;
        let entries: Vec<UploadEntry> = call.names.into_iter().map(entry).collect();
        let mut gathered = gather(&entries, objects).await?;
        gathered.open_tokens(&keys).await;
        self.plan(folder, gathered).await
    }
}

impl Open<'_> {
    pub(crate) async fn export_token(&self, call: ExportToken) -> Result<TokenLink, Failure> {
        let key = match call.key.map(Zeroizing::new) {
            Some(text) => FernetKey::parse(&text)?,
            None => FernetKey::generate(&mut self.browser().random()).map_err(ClientError::from)?,
        };
        let row = self.shown(call.id).await?;
        let reading = self.reading(call.id, None).await?;
        let bytes = token_len(reading.size()).ok_or(FernetError::TooLarge)?;
        let name = format!("{}{TOKEN_ENDING}", row.name);
        let transfer = self.transfers.add(
            &self.outlet,
            |id| TransferRow {
                bytes,
                ..new_row(id, TransferKind::Token, name.clone(), row.within)
            },
            None,
        );
        let text = key.to_text().to_string();
        let link = self.link(name, BINARY, Some(bytes), |_| {
            Target::Token(reading, key, transfer)
        });
        Ok(TokenLink { link, key: text })
    }
}

const fn entry(path: String) -> UploadEntry {
    UploadEntry {
        path,
        is_folder: false,
    }
}

impl Gathered {
    /// Makes of every file what is in it; what does not open is refused.
    async fn open_tokens(&mut self, keys: &FernetKeys) {
        let mut sound = Vec::new();
        for mut item in std::mem::take(&mut self.items) {
            if item.kind == Kind::Folder {
                sound.push(item);
                continue;
            }
            let shown = item.names.last().map_or_else(String::new, Name::to_string);
            let Some(local) = self.files.get_mut(&item.local) else {
                continue;
            };
            match Token::verify(local.file.clone().into(), keys).await {
                Ok(token) => {
                    item.size = Some(token.size());
                    // The maker's own word, which may be any number.
                    let made_s = Some(token.timestamp_s()).filter(|at| *at <= LAST_S);
                    item.modified_ms = made_s.unwrap_or(0) * 1000;
                    local.token = Some(Rc::new(token));
                    if let Some(name) = item.names.last_mut()
                        && let Ok(stem) = Name::parse(without_token_ending(&shown))
                    {
                        *name = stem;
                    }
                    sound.push(item);
                }
                Err(failure) => {
                    self.files.remove(&item.local);
                    self.refused.push((shown, failure.into()));
                }
            }
        }
        self.items = sound;
    }
}

/// What is in a token, in blocks of 4 MiB.
pub(super) struct TokenSource {
    reading: Reading,
    ready: Zeroizing<Vec<u8>>,
}

impl TokenSource {
    pub(super) fn of(token: &Token) -> Self {
        Self {
            reading: token.read(),
            ready: Zeroizing::default(),
        }
    }

    /// The next block; a shorter one, or an empty one, is the last.
    pub(super) async fn next_block(&mut self) -> Result<Vec<u8>, Failure> {
        while self.ready.len() < BLOCK_LEN
            && let Some(piece) = self.reading.next().await?
        {
            self.ready.extend_from_slice(&Zeroizing::new(piece));
        }
        let len = self.ready.len().min(BLOCK_LEN);
        let rest = self.ready.split_off(len);
        Ok(std::mem::replace(&mut *self.ready, rest))
    }
}
