//! URLs that stand for something the engine gives out: each has a name that
//! nobody can guess, and is good until it is closed or the account is.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use data_encoding::BASE64URL_NOPAD;
use sv_client::transfer::{Reading, Seekable};
use sv_core::FernetKey;

use super::fernet::Sealed;
use super::transfers::Transfer;

/// Where such URLs begin; the service worker knows them by it.
const PREFIX: &str = "/vault/";
const TOKEN_LEN: usize = 16;

/// What a URL stands for.
pub(super) enum Target {
    /// A file to show: from anywhere in it.
    Show {
        reading: Reading,
        mime: &'static str,
        seekable: RefCell<Option<Rc<Seekable>>>,
        /// The block that was read last: a player asks for it again and again.
        last: RefCell<Option<(u64, Rc<Vec<u8>>)>>,
    },
    /// A file to save.
    Save(Reading, Rc<Transfer>),
    /// A file to save as it is stored.
    Raw(Reading, Rc<Transfer>),
    /// Several files to save as one zip: path and what to read, none for a
    /// folder; folders before what they hold.
    Zip(Vec<ZipItem>, Rc<Transfer>),
    /// A file to save as a Fernet token.
    Token(Reading, FernetKey, Rc<Transfer>),
    /// A sealed file of this device.
    Decrypt {
        sealed: Sealed,
        name: String,
        size: u64,
    },
}

/// A file or folder of a zip.
pub(super) struct ZipItem {
    pub(super) path: String,
    pub(super) modified_ms: u64,
    pub(super) reading: Option<Reading>,
}

/// All URLs that are good.
#[derive(Clone, Default)]
pub(super) struct Links(Rc<RefCell<HashMap<String, Rc<Target>>>>);

impl Links {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Makes a URL; `name` is its last part, for the browser to show.
    pub(super) fn add(&self, random: [u8; TOKEN_LEN], name: &str, target: Target) -> String {
        let token = BASE64URL_NOPAD.encode(&random);
        let name = String::from(js_sys::encode_uri_component(name));
        let url = format!("{PREFIX}{token}/{name}");
        self.0.borrow_mut().insert(token, Rc::new(target));
        url
    }

    /// What the path of a URL stands for.
    pub(super) fn find(&self, path: &str) -> Option<Rc<Target>> {
        self.0.borrow().get(token(path)?).cloned()
    }

    /// Ends a URL.
    pub(super) fn close(&self, path: &str) {
        if let Some(token) = token(path) {
            self.0.borrow_mut().remove(token);
        }
    }

    /// Ends all of them.
    pub(super) fn clear(&self) {
        self.0.borrow_mut().clear();
    }
}

fn token(path: &str) -> Option<&str> {
    path.strip_prefix(PREFIX)?.split('/').next()
}
