//! Fernet tokens: taken in, handed out, and opened offline.

use serde::{Deserialize, Serialize};

use super::{ItemId, Link, Place};

/// Opens a file of this device: one that was saved as it is stored, or a Fernet
/// token. It travels beside the call, a `File` or a `Blob` of what was pasted.
/// Works offline and without an account. Gives a URL to save the plaintext
/// under; of a token that is not genuine, none.
#[derive(Clone, Serialize, Deserialize)]
pub struct DecryptFile {
    /// From [`super::RawLink`], or Fernet keys, one a line: the one that made
    /// the token opens it.
    pub key: String,
    /// The name to save it under.
    pub name: String,
}

/// Looks at what importing Fernet tokens would do. The `File` objects travel
/// beside the call, in the order of `names`. Tokens that do not open are among
/// [`super::PlannedUpload::refused`]; of those nothing is stored.
#[derive(Clone, Serialize, Deserialize)]
pub struct PlanTokens {
    /// Where to.
    pub into: Place,
    /// What the files are called; the endings of tokens are taken off.
    pub names: Vec<String>,
    /// Fernet keys, one a line.
    pub keys: String,
}

/// Makes a URL to save a file under as a Fernet token.
#[derive(Clone, Serialize, Deserialize)]
pub struct ExportToken {
    /// Which.
    pub id: ItemId,
    /// The Fernet key; none for a new one.
    pub key: Option<String>,
}

/// A token, and what opens it.
#[derive(Clone, Serialize, Deserialize)]
pub struct TokenLink {
    /// Where to get it.
    pub link: Link,
    /// The Fernet key as text. Whoever has both can read the file, and make
    /// other tokens with it.
    pub key: String,
}
