//! What crosses between page and engine, which are two programs: types alone,
//! so that neither links what only the other needs.
//!
//! # For the page
//! Its end is `bridge` in `sv-web`. Once, before anything else, `connect` starts
//! the engine (a worker) and the service worker, and gives the stream of
//! [`Event`]s. Then:
//!
//! ```ignore
//! let mut events = bridge::connect()?;            // UnboundedReceiver<Event>
//! let stage = bridge::call(Start {}).await?;      // -> Stage: what to show first
//! let listing = bridge::call(ListFolder { folder: Place::Root, order, from: 0, count: 200 }).await?;
//! // Files travel beside the call:
//! let planned = bridge::call_with(PlanUpload { into, entries }, &files).await?;
//! ```
//!
//! Every call is a struct with its [`Call::Answer`]; every refusal is a
//! [`Failure`] whose [`FailureKind`] the page turns into words. Calls may be made
//! at the same time; each is answered by itself. Dropping the future of a call
//! does not cancel the call.
//!
//! The page never polls: whatever changes by itself comes as an [`Event`].
//! [`Event::Drive`] says that listings are out of date: call again for what is
//! on the screen. [`Event::Transfer`] has the whole row of the transfer panel.
//!
//! Bytes of files never pass through calls. Downloads, media and previews are
//! URLs that the service worker answers from the engine ([`Link`]).
//!
//! # Form
//! A message to the engine is `[id, bytes of [AnyCall], [objects…]]`, an answer
//! `[id, bytes of Result<Answer, Failure>]`, an event `[0, bytes of [Event]]`.
//! [`encode`] makes the bytes. Both ends are of one build: fields go by their
//! order, without names, which the page would have to load for every type.

mod account;
mod admin;
mod drive;
mod event;
mod failure;
mod fernet;
mod place;
mod sharing;
pub mod token;
mod transfer;

pub use account::*;
pub use admin::*;
pub use drive::*;
pub use event::*;
pub use failure::*;
pub use fernet::*;
pub use place::*;
pub use sharing::*;
pub use transfer::*;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The id of messages that answer no call.
pub const EVENT: u32 = 0;
/// The name of the message that gives the engine a port to the service worker.
pub const SERVICE_WORKER_PORT: u32 = u32::MAX;

/// The bytes as which something crosses.
pub fn encode<T: Serialize>(what: &T) -> Vec<u8> {
    // The types of this crate have such a form, all of them.
    postcard::to_allocvec(what).unwrap_or_default()
}

/// What came across; none if it is not of that type.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    postcard::from_bytes(bytes).ok()
}

/// Something that the page asks the engine to do.
pub trait Call: Into<AnyCall> {
    /// What comes back.
    type Answer: Serialize + DeserializeOwned + 'static;
}

macro_rules! calls {
    ($($name:ident -> $answer:ty;)*) => {
        $(
            impl Call for $name {
                type Answer = $answer;
            }

            impl From<$name> for AnyCall {
                fn from(call: $name) -> Self {
                    Self::$name(call)
                }
            }
        )*

        /// Any call, as it crosses.
        #[derive(Serialize, Deserialize)]
        #[allow(missing_docs, reason = "each variant holds the call of its name")]
        pub enum AnyCall {
            $($name($name),)*
        }
    };
}

calls! {
    // account.rs
    Start -> Stage;
    TakeOver -> Stage;
    GetServer -> ServerInfo;
    SignUp -> EmergencySheet;
    ConfirmSignUp -> Stage;
    CancelSignUp -> Stage;
    LogIn -> ();
    GiveCode -> Stage;
    StartRecovery -> ();
    GiveRecoveryCode -> ();
    SetRecoveredPassword -> ();
    LogOut -> Stage;
    GetAccount -> AccountInfo;
    ProvePassword -> ();
    ChangePassword -> ();
    NewTotp -> TotpSecret;
    ConfirmTotp -> ();
    NewBackupCodes -> Vec<String>;
    NewRecoveryKey -> String;
    PutRecoveryKeyInForce -> ();
    ListSessions -> Vec<SessionRow>;
    EndSession -> ();
    DeleteAccount -> Deletion;

    // drive.rs
    ListFolder -> Listing;
    ListIds -> Vec<ItemId>;
    Search -> Listing;
    ListRecent -> Vec<Row>;
    ListNotes -> Vec<Row>;
    GetItem -> ItemDetail;
    GetUsage -> UsageInfo;
    NewFolder -> ItemId;
    Rename -> ();
    Move -> Vec<ItemId>;
    Copy -> Vec<ItemId>;
    Trash -> ();
    Untrash -> ();
    ListTrash -> Listing;
    Remove -> ();
    EmptyTrash -> u64;
    ListVersions -> Vec<VersionRow>;
    RestoreVersion -> ();
    ReadText -> TextContent;
    NewNote -> ItemId;
    SaveText -> ();

    // sharing.rs
    ListShares -> Vec<ShareRow>;
    AcceptShare -> String;
    RenameShare -> String;
    DeclineShare -> ();
    ReconsiderShare -> ();
    LeaveShare -> ();
    GetAccess -> AccessInfo;
    LookUp -> Vec<Found>;
    GiveAccess -> AccessGiven;
    SetAccess -> ();
    RevokeAccess -> Revoked;
    Admit -> ();
    WithdrawInvitation -> ();
    TransferOwnership -> ();
    NewGroup -> ShareId;
    ListContacts -> Vec<PersonTag>;
    GetOwnCode -> String;
    GetSafety -> Safety;
    ConfirmPerson -> Confirmation;
    ReadCode -> Sight;
    GetActivity -> Activity;

    // transfer.rs
    PlanUpload -> PlannedUpload;
    StartUpload -> u64;
    DropUpload -> ();
    ListInterrupted -> Vec<InterruptedUpload>;
    ResumeInterrupted -> u64;
    ForgetInterrupted -> ();
    ListTransfers -> Vec<TransferRow>;
    PauseTransfer -> ();
    ResumeTransfer -> ();
    CancelTransfer -> ();
    RetryTransfer -> ();
    ClearTransfers -> ();
    Download -> Link;
    DownloadRaw -> RawLink;
    ExportEverything -> Link;
    OpenFile -> Link;
    CloseLink -> ();

    // fernet.rs
    DecryptFile -> Link;
    PlanTokens -> PlannedUpload;
    ExportToken -> TokenLink;

    // admin.rs
    ListPeople -> Vec<PersonRow>;
    ListInvitations -> Vec<InvitationRow>;
    CreateInvitation -> NewInvitation;
    RevokeInvitation -> ();
    SetQuota -> ();
    SetDisabled -> ();
    ResetSecondFactor -> String;
    GetServerState -> ServerState;
}
