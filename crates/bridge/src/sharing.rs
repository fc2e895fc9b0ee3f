//! What is shared with whom: shares, who has access, people, groups, activity.

use serde::{Deserialize, Serialize};
use sv_api::text::as_text;
use sv_ledger::id::VaultId;

use super::{ItemId, Place, Role, ShareId};

/// Whoever may have access: a person, or a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PrincipalId(#[serde(with = "as_text")] pub VaultId);

/// How sure it is that somebody is who they say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Trust {
    /// The first keys that were ever seen; nobody compared them.
    Unverified,
    /// This person compared these very keys.
    Verified,
    /// This person compared earlier keys, and those have signed the new ones.
    Rotated,
    /// Another account or other keys stand under the name than were seen
    /// before: nothing is shared with it.
    Changed,
    /// The account is no longer there.
    Gone,
}

/// Somebody, as far as this account knows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonTag {
    /// Their user name; the beginning of their id where that is not known.
    pub name: String,
    /// How sure that is; none for this person.
    pub trust: Option<Trust>,
}

/// Everything that is shared with this person or by them, groups too. The
/// inviter's part of pending invitations is done on the way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListShares {}

/// A share or a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareRow {
    /// Which.
    pub share: ShareId,
    /// What this person calls it; of one that was offered, what it is called
    /// by those who share it.
    pub name: String,
    /// Files, or people.
    pub is_group: bool,
    /// What this person may do.
    pub role: Role,
    /// When that ends, Unix milliseconds.
    pub expires_ms: Option<u64>,
    /// How many have access, groups counted as one.
    pub members: usize,
    /// Who owns it.
    pub owner: PersonTag,
    /// What this person has said to it.
    pub state: ShareState,
}

/// What a person has said to a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ShareState {
    /// It was offered.
    Offered,
    /// It was accepted, or is the person's own.
    Accepted,
    /// It was not wanted.
    Declined,
    /// It was offered and cannot be opened: whoever offers it sealed it
    /// wrongly, or the server shows something else.
    Unreadable,
    /// It was accepted, and the server shows something else than was seen.
    Tampered,
    /// It is not from whom it says.
    Forged,
}

/// Takes a share under a name; gives the name that was free.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AcceptShare {
    /// Which.
    pub share: ShareId,
    /// What this person wants to call it.
    pub name: String,
    /// Also shows it in this folder of the drive.
    pub into: Option<Place>,
}

/// Gives something shared another name, for this person alone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RenameShare {
    /// Which.
    pub share: ShareId,
    /// The name; one that is taken gets a number.
    pub name: String,
}

/// Does not want a share. [`ReconsiderShare`] undoes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeclineShare {
    /// Which.
    pub share: ShareId,
}

/// Takes back what was said to a share: it is offered again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReconsiderShare {
    /// Which.
    pub share: ShareId,
}

/// Gives up one's own access.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LeaveShare {
    /// Which.
    pub share: ShareId,
}

/// What somebody is to have access to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Target {
    /// A file or folder, shared already or not.
    Item(ItemId),
    /// Something shared, or a group.
    Share(ShareId),
}

/// Who has access.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GetAccess {
    /// To what.
    pub target: Target,
}

/// Who has access to something, and what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessInfo {
    /// Its vault; none if it is not shared yet.
    pub share: Option<ShareId>,
    /// What it is called here.
    pub name: String,
    /// Whether it is a group: what is in it are people.
    pub is_group: bool,
    /// What this person may do.
    pub role: Role,
    /// Whether this person is a member by themselves, and not only through a
    /// group.
    pub is_member: bool,
    /// Everybody with access, the owner first.
    pub members: Vec<MemberRow>,
    /// People who are waited for.
    pub pending: Vec<PendingRow>,
    /// What they see of it.
    pub contents: Contents,
}

/// What is shared, added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Contents {
    /// Files and notes.
    pub files: u64,
    /// Bytes of newest versions.
    pub bytes: u64,
    /// Versions that are not the newest.
    pub older_versions: u64,
    /// Bytes of all versions.
    pub all_versions_bytes: u64,
}

/// Somebody, or a group, with access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRow {
    /// Who.
    pub id: PrincipalId,
    /// Who, to be read; of a group, what it is called here.
    pub who: PersonTag,
    /// The group that it is.
    pub group: Option<ShareId>,
    /// Whether it is this person.
    pub is_you: bool,
    /// What they may do.
    pub role: Role,
    /// Until when, Unix milliseconds.
    pub expires_ms: Option<u64>,
    /// Whether the keys on record are not those of the account: whoever
    /// granted access let in somebody else under this name.
    pub is_ghost: bool,
}

/// Somebody without an account, who gets access once they have one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingRow {
    /// Their user name to be.
    pub name: String,
    /// What they will be able to do.
    pub role: Role,
    /// Until when, Unix milliseconds.
    pub expires_ms: Option<u64>,
}

/// Looks for people by user name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LookUp {
    /// As typed; an `@` in front does not count.
    pub names: Vec<String>,
}

/// What there is under a user name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Found {
    /// Somebody.
    Person(PersonTag),
    /// Nobody yet: they are waited for.
    Pending(String),
    /// This person.
    You,
    /// No possible user name.
    Impossible,
}

/// Whom to give access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Invitee {
    /// By user name.
    Person(String),
    /// A group of this person's.
    Group(ShareId),
}

/// Gives access, or changes what those who have it may do. What is not shared
/// yet becomes a vault of its own where it stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GiveAccess {
    /// To what.
    pub target: Target,
    /// To whom.
    pub invitees: Vec<Invitee>,
    /// What they may do.
    pub role: Role,
    /// Until when, Unix milliseconds.
    pub expires_ms: Option<u64>,
    /// Older versions of files too: only of what is not shared yet.
    pub with_history: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessGiven {
    /// The vault.
    pub share: ShareId,
    /// Who has access from now on.
    pub granted: Vec<String>,
    /// Who will have it once they have an account.
    pub pending: Vec<String>,
}

/// Changes what somebody may do, and until when.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SetAccess {
    /// To what.
    pub share: ShareId,
    /// Who.
    pub who: PrincipalId,
    /// What they may do.
    pub role: Role,
    /// Until when, Unix milliseconds.
    pub expires_ms: Option<u64>,
}

/// Takes access away: what is written from now on is under a new key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RevokeAccess {
    /// To what.
    pub share: ShareId,
    /// From whom.
    pub who: PrincipalId,
}

/// What came of it in what is shared on its own inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// Paths, from the share on, at which it was taken away, too.
    pub inside: Vec<String>,
    /// What they have still.
    pub kept: Vec<KeptAccess>,
}

/// Access inside that was not taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAccess {
    /// Where, from the share on.
    pub path: String,
    /// Why.
    pub why: WhyKept,
}

/// Why access inside a share was not taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WhyKept {
    /// They own it.
    TheyOwnIt,
    /// Only a manager of it can.
    NotManager,
    /// This person has not accepted it.
    NotAccepted,
    /// It is only shown there.
    Apart,
    /// It does not open.
    Failed,
}

/// Gives somebody who was waited for, and has an account now, all that they
/// were invited to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Admit {
    /// Their user name.
    pub name: String,
}

/// Waits no longer for somebody.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WithdrawInvitation {
    /// To what.
    pub share: ShareId,
    /// Their user name to be.
    pub name: String,
}

/// Makes somebody else the owner; the owner becomes a manager.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TransferOwnership {
    /// Of what.
    pub share: ShareId,
    /// To whom.
    pub who: PrincipalId,
}

/// Makes an empty group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewGroup {
    /// Its name.
    pub name: String,
}

/// Everybody this account has met, by name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListContacts {}

/// This person's own code, for others to scan.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GetOwnCode {}

/// What two people compare.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GetSafety {
    /// Whom with.
    pub name: String,
}

/// What two people compare, and how sure it is already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Safety {
    /// Who.
    pub who: PersonTag,
    /// Sixty digits in twelve groups, the same on both sides; none if nothing
    /// is to be compared, since the identity has changed or is gone.
    pub number: Option<String>,
    /// What the number is of, to be given back with [`ConfirmPerson`].
    pub their_code: Option<String>,
    /// This person's own code, for the other to scan.
    pub own_code: String,
}

/// Remembers that this person compared somebody's keys.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ConfirmPerson {
    /// Whose.
    pub name: String,
    /// Their code: scanned, typed, or that of [`Safety`] whose number was
    /// compared; or the number itself, scanned.
    pub code: String,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Confirmation {
    /// The keys are theirs.
    Confirmed,
    /// The text is neither the code of a person nor a safety number.
    NoCode,
    /// The code is another's than the server shows: somebody stands between,
    /// or it is of somebody else.
    Another,
}

/// Looks for a code in a picture of the camera. For an engine without an
/// account: anybody may hold anything in front of a camera.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReadCode {
    /// Pixels in a row.
    pub width: usize,
    /// How bright each pixel is, row by row.
    pub grey: Vec<u8>,
}

/// What there is in a picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sight {
    /// No code that can be read.
    Nothing,
    /// A code of something else.
    Foreign,
    /// A person's code, or a safety number, to be given to [`ConfirmPerson`].
    Code(String),
}

/// What happened in something shared, newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GetActivity {
    /// In what.
    pub share: ShareId,
    /// Rows at most.
    pub count: u64,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// What it is called here.
    pub name: String,
    /// One after the other.
    pub rows: Vec<ActivityRow>,
    /// Whether an honest server tells of everybody's downloads, and not only
    /// of this person's.
    pub has_all_downloads: bool,
    /// Whether there may be more.
    pub has_more: bool,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityRow {
    /// Who; none for this person.
    pub who: Option<String>,
    /// The group through which they did.
    pub via: Option<String>,
    /// When, Unix milliseconds: as its author states, or as the server says.
    pub at_ms: u64,
    /// The entry's number, if it was signed and verified; none if there is only
    /// the server's word.
    pub entry: Option<u64>,
    /// What was done.
    pub deeds: Vec<Deed>,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Deed {
    /// Made something; its path, or none if it is gone.
    Added(Option<String>),
    /// Changed something.
    Changed(Option<String>),
    /// Named the vault.
    Named,
    /// Removed something for good.
    Removed,
    /// Gave access; none for this person.
    Granted(Option<String>, Role),
    /// Gave another role or expiry.
    RoleChanged(Option<String>, Role),
    /// Took access away.
    Revoked(Option<String>),
    /// Ended access whose time was up.
    Expired(Option<String>),
    /// Brought a member's new keys.
    Rekeyed(Option<String>),
    /// Gave up their own access.
    Left,
    /// Made somebody the owner.
    Transferred(Option<String>),
    /// Made a new key.
    NewKey,
    /// Fetched the newest version of something.
    Fetched(Option<String>),
    /// Fetched an older version of something.
    FetchedOlder(Option<String>),
}
