//! What the engine says by itself.

use serde::{Deserialize, Serialize};

use super::{Failure, Stage, TransferRow};

/// Something happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The stage changed without a call: the session ended elsewhere, another
    /// tab took over, the server is back.
    Stage(Stage),
    /// The drive or a shared vault changed, here or on another device: listings
    /// are out of date.
    Drive {
        /// Rises with every change.
        revision: u64,
    },
    /// What is shared with this person may have changed: a vault that is not
    /// open got an entry or was lost, or the account's own records changed.
    Shares,
    /// People who were waited for have an account now, and no access yet:
    /// whether it is them is for a person to say.
    Came(Vec<String>),
    /// Who is waited for could not be looked for. It is tried again and told
    /// once.
    NotCompleted(Failure),
    /// A transfer began, came further or ended. At most a few times a second.
    Transfer(TransferRow),
    /// Whether the server can be reached. Listing and searching work offline.
    Connection(Connection),
    /// The server was caught. The engine takes nothing more from it until the
    /// page is loaded again.
    Tampered(Failure),
    /// The engine ended unexpectedly; the page has to be loaded again.
    Crashed,
}

/// Whether changes of other devices are seen as they happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Connection {
    /// They are.
    Live,
    /// The server does not answer; trying again.
    Offline,
}
