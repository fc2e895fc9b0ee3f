//! Names of nodes: the one set of rules, for typing and for reading
//! (spec: `records.md` §2).

use std::fmt;

use sv_ledger::limits::NAME_LEN;
use unicode_normalization::UnicodeNormalization;

use crate::error::NameError;

/// A name a node can have: in NFC, 1 to 255 bytes, safe to show and to write
/// to a disk as one path component.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// Brings the text into NFC and checks it. Leading dashes and spaces are
    /// allowed, as file systems allow them.
    ///
    /// # Errors
    /// [`NameError`], the first rule broken.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let name: String = text.nfc().collect();
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        if name.len() > NAME_LEN {
            return Err(NameError::TooLong(name.len()));
        }
        if name == "." || name == ".." {
            return Err(NameError::Reserved);
        }
        match name.chars().find(|c| *c == '/' || is_deceptive(*c)) {
            Some(c) => Err(NameError::Forbidden(c)),
            None => Ok(Self(name)),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

/// A name is a person's data: its length is enough in a log.
impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({} bytes)", self.0.len())
    }
}

/// Control characters, and those that make text run another way than it is
/// stored: embeddings, overrides and isolates (Unicode TR9, §2).
pub(super) const fn is_deceptive(c: char) -> bool {
    let control = matches!(c, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}');
    control || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
