-- What happened on this server that an administrator may want to look up, and
-- who read what in shared vaults. Times are Unix milliseconds.

-- Events that wait for their place in the chain: noted in the unit of work
-- that brings them about, in no order, so that nobody waits for anybody.
CREATE TABLE audit_events (
    event_id BLOB    NOT NULL PRIMARY KEY,
    at_ms    INTEGER NOT NULL,
    kind     INTEGER NOT NULL,
    actor    BLOB    NOT NULL, -- uid; zeros for the host or nobody known
    subject  BLOB    NOT NULL, -- 32 bytes, by kind; zeros for none
    network  BLOB    NOT NULL, -- 16 bytes; zeros for none
    detail   BLOB    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_events_by_time ON audit_events (at_ms);

-- The same, each bound to the one before it by its hash; `mac` binds the hash
-- to the key-encryption key, which is not here.
CREATE TABLE audit_rows (
    seq     INTEGER NOT NULL PRIMARY KEY,
    at_ms   INTEGER NOT NULL,
    kind    INTEGER NOT NULL,
    actor   BLOB    NOT NULL,
    subject BLOB    NOT NULL,
    network BLOB    NOT NULL,
    detail  BLOB    NOT NULL,
    hash    BLOB    NOT NULL,
    mac     BLOB    NOT NULL
) STRICT;
CREATE INDEX audit_rows_by_time ON audit_rows (at_ms);

-- Signatures over places of the chain.
CREATE TABLE audit_checkpoints (
    seq       INTEGER NOT NULL PRIMARY KEY,
    hash      BLOB    NOT NULL,
    at_ms     INTEGER NOT NULL,
    signature BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

-- Where the chain begins (what is before has been pruned) and ends, and the
-- key that signs checkpoints; one row.
CREATE TABLE audit_chain (
    id          INTEGER NOT NULL PRIMARY KEY, -- 1
    seq         INTEGER NOT NULL,
    hash        BLOB    NOT NULL,
    pruned_seq  INTEGER NOT NULL,
    pruned_hash BLOB    NOT NULL,
    public_key  BLOB    NOT NULL,
    secret_key  BLOB    NOT NULL -- sealed
) STRICT;

-- Contents that somebody fetched from a shared vault, as the server saw it.
-- An id begins with the time of the last block, so a vault's are in order.
CREATE TABLE accesses (
    vault_id   BLOB    NOT NULL,
    access_id  BLOB    NOT NULL,
    principal  BLOB    NOT NULL,
    content_id BLOB    NOT NULL,
    first_ms   INTEGER NOT NULL,
    last_ms    INTEGER NOT NULL,
    blocks     INTEGER NOT NULL,
    PRIMARY KEY (vault_id, access_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX accesses_by_time ON accesses (last_ms);
