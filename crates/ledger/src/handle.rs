//! Handles: the names by which people find one another. PRECIS
//! UsernameCaseMapped (RFC 8265 §3.3) decides what is one, so that two
//! spellings a person would call the same cannot be two accounts.

use std::borrow::Cow;
use std::fmt;

use precis_profiles::UsernameCaseMapped;
use precis_profiles::precis_core::profile::PrecisFastInvocation;

use crate::limits::HANDLE_LEN;

/// A normalised handle.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle(String);

/// Why a text is not a handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHandle {
    /// A character, direction or length that PRECIS or the limit forbids.
    #[error("a user name is 1 to {HANDLE_LEN} bytes of letters, digits and simple punctuation")]
    Form,
    /// A name kept for the service itself.
    #[error("this user name is reserved")]
    Reserved,
}

/// Names that would let a stranger pose as the service.
const RESERVED: [&str; 16] = [
    "admin",
    "administrator",
    "root",
    "system",
    "securevault",
    "support",
    "help",
    "security",
    "postmaster",
    "webmaster",
    "hostmaster",
    "abuse",
    "noreply",
    "nobody",
    "me",
    "shared",
];

impl Handle {
    /// Normalises what a person typed to name an account.
    ///
    /// # Errors
    /// [`InvalidHandle::Form`] if no account can have that name.
    pub fn parse(text: &str) -> Result<Self, InvalidHandle> {
        Self::from_normal_form(&enforce(text)?)
    }

    /// Normalises what a person typed to name a new account.
    ///
    /// # Errors
    /// [`InvalidHandle`] if it is not a handle, or a reserved one.
    pub fn choose(text: &str) -> Result<Self, InvalidHandle> {
        let handle = Self::parse(text)?;
        if RESERVED.contains(&handle.as_str()) {
            return Err(InvalidHandle::Reserved);
        }
        Ok(handle)
    }

    /// Takes a handle only in its normal form, as signed statements carry it.
    ///
    /// Which names are reserved is a policy that may grow, and must not turn
    /// an existing account's log into a malformed one: it is not asked here.
    ///
    /// # Errors
    /// [`InvalidHandle::Form`] for any other form.
    pub fn from_normal_form(text: &str) -> Result<Self, InvalidHandle> {
        let ok_len = !text.is_empty() && text.len() <= HANDLE_LEN;
        let separators = ['/', ':', '@', '\\', '?', '#', '%', '&', '"', '\'', '<', '>'];
        // PRECIS is not idempotent for every input (RFC 8264 §7): it makes of a
        // Cherokee capital a small letter that it then refuses. Only what it
        // leaves as it is has one form.
        if !ok_len || text.starts_with('.') || text.contains(separators) || enforce(text)? != text {
            return Err(InvalidHandle::Form);
        }
        Ok(Self(text.to_owned()))
    }

    /// The normal form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn enforce(text: &str) -> Result<Cow<'_, str>, InvalidHandle> {
    UsernameCaseMapped::enforce(text).map_err(|_| InvalidHandle::Form)
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_are_one_handle() {
        for text in ["Zoë", "zoë", "ZOË", "zoe\u{308}", "ｚｏë"] {
            assert_eq!(Handle::parse(text).unwrap().as_str(), "zoë", "{text}");
        }
    }

    #[test]
    fn what_is_no_handle_is_refused() {
        for text in [
            "",
            " ",
            "a b",
            "a\0",
            "a/b",
            "x\u{202e}y",
            "@a",
            "\u{13a0}",
            &"a".repeat(65),
        ] {
            assert_eq!(Handle::parse(text), Err(InvalidHandle::Form), "{text:?}");
        }
        assert_eq!(Handle::choose("Admin"), Err(InvalidHandle::Reserved));
        assert!(Handle::parse("Admin").is_ok(), "it may have been free once");
        assert_eq!(Handle::from_normal_form("Bob"), Err(InvalidHandle::Form));
    }
}
