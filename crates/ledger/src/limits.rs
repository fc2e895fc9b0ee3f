//! Every limit of the format and of the service, in one place. The guide's
//! page on limits is checked against this file.

/// Bytes of plaintext in one AEAD chunk of a Box.
pub const CHUNK_LEN: usize = 256 * 1024;
/// Bytes of plaintext in one block of a content.
pub const BLOCK_LEN: usize = 4 * 1024 * 1024;
/// Blocks in one content: 4 TiB.
pub const BLOCKS_PER_CONTENT: u32 = 1 << 20;
/// Bytes of plaintext in one Fernet token: it is of no use before its last
/// byte, and cannot be read from the middle.
pub const FERNET_LEN: usize = 512 * 1024 * 1024;
/// Bytes of one log entry.
pub const ENTRY_LEN: usize = 256 * 1024;
/// State operations in one log entry.
pub const OPS_PER_ENTRY: usize = 500;
/// Members of one vault.
pub const MEMBERS: usize = 4096;
/// Vaults, one a member of the next, through which somebody may have access.
pub const NESTING: usize = 4;
/// Other vaults to which a vault's log leads: those that it names or ever
/// named, those that their logs name, and so on.
pub const NAMED_VAULTS: usize = 512;
/// Vaults whose logs lead to one that takes in another.
pub const NAMING_VAULTS: usize = 4096;
/// Contents that one operation may add.
pub const CONTENTS_PER_OP: usize = 16;
/// Contents that one operation may drop.
pub const DROPS_PER_OP: usize = 128;
/// Bytes of a sealed record's CBOR before padding. With what travels with it,
/// half a mebibyte: a change of one record fits where a database takes no more
/// than one mebibyte at a time.
pub const RECORD_LEN: usize = 512 * 1024;
/// Records are padded to a multiple of this.
pub const RECORD_PAD: usize = 256;
/// Versions kept of one file.
pub const VERSIONS: usize = 100;
/// Bytes of a name in UTF-8.
pub const NAME_LEN: usize = 255;
/// Folders inside folders.
pub const TREE_DEPTH: usize = 256;
/// Bytes of a handle in UTF-8.
pub const HANDLE_LEN: usize = 64;
/// Unlockers of one account.
pub const UNLOCKERS: usize = 16;
/// Bytes of one stored record or key envelope.
pub const BODY_LEN: usize = RECORD_LEN + 4096;
/// Sealed contents up to this many bytes travel and rest with the log entry
/// that adds them, instead of as a file of their own.
pub const INLINE_LEN: usize = 64 * 1024;
/// Bytes of one sign-up, which waits for its first code in one row.
pub const SIGNUP_LEN: usize = 512 * 1024;
/// Bytes of one request body other than a block.
pub const REQUEST_LEN: usize = 16 * 1024 * 1024;
/// Bytes of log entries and records by which an account may go over its quota,
/// so that a full one can still be tidied up.
pub const LOG_RESERVE: u64 = 16 * 1024 * 1024;
/// Leaves, entries or bodies in one page of an answer.
pub const PAGE: usize = 2000;
/// Bytes of membership entries that a client reads of one vault.
pub const MEMBERSHIP_LEN: usize = 1024 * 1024 * 1024;
/// New keys that one author may make in one vault in a row although none is
/// due: each is an entry that every new device reads.
pub const SPARE_KEYS: u64 = 20;
/// Milliseconds until one more.
pub const SPARE_KEY_MS: u64 = 60 * 60 * 1000;
/// Handles looked up in one request.
pub const HANDLES_PER_REQUEST: usize = 100;
/// Milliseconds that a server keeps who fetched what from shared vaults.
pub const ACCESS_TTL_MS: u64 = 90 * 24 * 60 * 60 * 1000;
/// Notes of who fetched what that a server keeps of one shared vault.
pub const ACCESSES: u64 = 50_000;
/// Milliseconds by which an entry's time may differ from the server's.
pub const CLOCK_SKEW_MS: u64 = 5 * 60 * 1000;
/// Milliseconds a trashed node is kept before clients empty it.
pub const TRASH_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// Milliseconds an unfinished upload waits for its next block.
pub const UPLOAD_TTL_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// Milliseconds an unconfirmed sign-up waits for its first code.
pub const SIGNUP_TTL_MS: u64 = 60 * 60 * 1000;
/// Milliseconds an unused session lives.
pub const SESSION_TTL_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// Milliseconds in which logging in calls the deletion of an account off.
pub const DELETION_GRACE_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// Milliseconds an invitation is good for at most.
pub const INVITATION_TTL_MS: u64 = 90 * 24 * 60 * 60 * 1000;
/// Milliseconds a block outlives its last reference.
pub const BLOCK_GRACE_MS: u64 = 24 * 60 * 60 * 1000;
