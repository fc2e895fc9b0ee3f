-- Ids, hashes and everything signed or sealed are BLOBs, times are Unix
-- milliseconds. Small rows are WITHOUT ROWID; rows with long blobs are not.

CREATE TABLE vaults (
    vault_id       BLOB    NOT NULL PRIMARY KEY,
    kind           INTEGER NOT NULL,
    owner          BLOB    NOT NULL,
    genesis        BLOB    NOT NULL,
    state          BLOB    NOT NULL,
    head_seq       INTEGER NOT NULL,
    head_hash      BLOB    NOT NULL,
    -- The newest entry by an editor or higher.
    checkpoint_seq INTEGER NOT NULL,
    -- Leaves are complete for every entry from this one on.
    leaves_from    INTEGER NOT NULL,
    created_ms     INTEGER NOT NULL
) STRICT;

-- Vaults that are gone, until their rows in other tables are too.
CREATE TABLE removed_vaults (
    vault_id BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE members (
    principal  BLOB    NOT NULL,
    vault_id   BLOB    NOT NULL,
    role       INTEGER NOT NULL,
    -- From then on it is none; the largest integer for never.
    expires_ms INTEGER NOT NULL,
    PRIMARY KEY (principal, vault_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX members_of_vault ON members (vault_id);

-- Other vaults that a vault's log names, or ever named: whoever reads its log
-- needs theirs. Only ever added to while the vault is there.
CREATE TABLE named_vaults (
    vault_id BLOB    NOT NULL,
    named_id BLOB    NOT NULL,
    -- Which entry took it in, of all in this database that took in vaults; 0
    -- if the log led to it before.
    nesting  INTEGER NOT NULL,
    PRIMARY KEY (vault_id, named_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX named_vaults_by_named ON named_vaults (named_id);
CREATE INDEX named_vaults_by_nesting ON named_vaults (nesting);

-- Of vaults that are gone and that others still name: what proves who was in
-- them. Their membership entries are in `entries`.
CREATE TABLE remains (
    vault_id BLOB    NOT NULL PRIMARY KEY,
    kind     INTEGER NOT NULL,
    genesis  BLOB    NOT NULL,
    state    BLOB    NOT NULL
) STRICT;

CREATE TABLE entries (
    vault_id      BLOB    NOT NULL,
    seq           INTEGER NOT NULL,
    hash          BLOB    NOT NULL,
    is_membership INTEGER NOT NULL,
    bytes         BLOB    NOT NULL,
    PRIMARY KEY (vault_id, seq)
) STRICT;

CREATE INDEX entries_of_membership ON entries (vault_id, is_membership, seq);

-- A leaf holds for entries since_seq <= n < until_seq; the current one's
-- until_seq is the largest integer.
CREATE TABLE leaves (
    vault_id     BLOB    NOT NULL,
    node_id      BLOB    NOT NULL,
    since_seq    INTEGER NOT NULL,
    until_seq    INTEGER NOT NULL,
    until_ms     INTEGER NOT NULL,
    rev          INTEGER NOT NULL,
    record_hash  BLOB    NOT NULL,
    creator      BLOB    NOT NULL,
    creator_role INTEGER NOT NULL,
    PRIMARY KEY (vault_id, node_id, since_seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX leaves_by_record ON leaves (vault_id, record_hash);
CREATE INDEX leaves_superseded ON leaves (vault_id, until_ms);

CREATE TABLE bodies (
    vault_id    BLOB    NOT NULL,
    hash        BLOB    NOT NULL,
    is_envelope INTEGER NOT NULL,
    bytes       BLOB    NOT NULL,
    PRIMARY KEY (vault_id, hash)
) STRICT;

-- Envelopes that came ahead of their entry, which may never come, with the
-- first place in the log that it could have.
CREATE TABLE envelopes_ahead (
    vault_id BLOB    NOT NULL,
    hash     BLOB    NOT NULL,
    seq      INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    PRIMARY KEY (vault_id, hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX envelopes_ahead_by_end ON envelopes_ahead (until_ms);

-- While a content is uploaded, sealed_len and block_count are what is there
-- so far and revision counts its changes; once committed it never changes.
-- Committed without a root, it is dead and waits for its blocks to be removed.
CREATE TABLE contents (
    content_id  BLOB    NOT NULL PRIMARY KEY,
    uploader    BLOB    NOT NULL,
    committed   INTEGER NOT NULL,
    revision    INTEGER NOT NULL,
    sealed_len  INTEGER NOT NULL,
    block_count INTEGER NOT NULL,
    blocks_root BLOB,
    created_ms  INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX contents_by_expiry ON contents (committed, expires_ms);

-- Exactly one of `file` (a name in the block store) and `data` is there.
CREATE TABLE blocks (
    content_id BLOB    NOT NULL,
    idx        INTEGER NOT NULL,
    len        INTEGER NOT NULL,
    hash       BLOB    NOT NULL,
    file       BLOB,
    data       BLOB,
    PRIMARY KEY (content_id, idx)
) STRICT;

CREATE INDEX blocks_by_file ON blocks (file);

CREATE TABLE content_refs (
    vault_id   BLOB NOT NULL,
    node_id    BLOB NOT NULL,
    content_id BLOB NOT NULL,
    -- The vault's owner, who is charged once for the content.
    owner      BLOB NOT NULL,
    PRIMARY KEY (vault_id, node_id, content_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX content_refs_by_content ON content_refs (content_id, vault_id, owner);

CREATE TABLE quotas (
    uid         BLOB    NOT NULL PRIMARY KEY,
    quota_bytes INTEGER NOT NULL,
    used_bytes  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Contents without a reference, until they are collected.
CREATE TABLE unreferenced_contents (
    content_id    BLOB    NOT NULL PRIMARY KEY,
    not_before_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX unreferenced_by_time ON unreferenced_contents (not_before_ms);

-- Files of the block store that no row names any more, until they are removed.
CREATE TABLE discarded_files (
    file BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Names under which a block may be stored: taken before its first byte, given
-- up when a row of `blocks` names it. Whoever lost the row may not commit.
CREATE TABLE reserved_files (
    file       BLOB    NOT NULL PRIMARY KEY,
    expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX reserved_files_by_expiry ON reserved_files (expires_ms);

-- Blocks that rest in the database. Part 0 is written last and has the length
-- of the whole: without it there is no block.
CREATE TABLE block_parts (
    file      BLOB    NOT NULL,
    idx       INTEGER NOT NULL,
    block_len INTEGER NOT NULL,
    stored_ms INTEGER NOT NULL,
    data      BLOB    NOT NULL,
    PRIMARY KEY (file, idx)
) STRICT;

-- Listing reads this alone, not the parts.
CREATE INDEX block_parts_listed ON block_parts (idx, file, stored_ms);

-- Who may do alone, until when, what only one may do at a time.
CREATE TABLE leases (
    name     TEXT    NOT NULL PRIMARY KEY,
    holder   BLOB    NOT NULL,
    until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
