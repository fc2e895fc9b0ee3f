-- Accounts, how they log in, and what limits attempts. Everything here may be
-- stolen: secrets are sealed under, and codes hashed with, the key-encryption
-- key, which is not here. Times are Unix milliseconds.

-- The installation's own secrets; one row.
CREATE TABLE instance (
    id                INTEGER NOT NULL PRIMARY KEY, -- 1
    opaque_setup      BLOB    NOT NULL, -- sealed
    credential_key    BLOB    NOT NULL, -- sealed
    opaque_public_key BLOB    NOT NULL,
    nonce             BLOB    NOT NULL,
    nestings          INTEGER NOT NULL  -- entries so far that made vaults members
) STRICT;

-- That this database came out of a backup, until the administrator ends that
-- state; one row, or none.
CREATE TABLE restored (
    id          INTEGER NOT NULL PRIMARY KEY, -- 1
    restore_id  BLOB    NOT NULL,
    restored_ms INTEGER NOT NULL,
    backup_ms   INTEGER NOT NULL
) STRICT;

-- People whose second factor was confirmed.
CREATE TABLE accounts (
    uid                BLOB    NOT NULL PRIMARY KEY,
    handle             TEXT    NOT NULL UNIQUE,
    administrator      INTEGER NOT NULL,
    disabled           INTEGER NOT NULL,
    created_ms         INTEGER NOT NULL,
    password_record    BLOB    NOT NULL,
    unlockers          BLOB    NOT NULL,
    unlockers_version  INTEGER NOT NULL,
    totp               BLOB,              -- sealed; none after a reset
    totp_last_step     INTEGER NOT NULL,
    new_totp           BLOB,              -- sealed; not yet in force
    new_totp_until_ms  INTEGER NOT NULL,
    deleted_from_ms    INTEGER            -- as its owner has asked; a log-in calls it off
) STRICT, WITHOUT ROWID;
CREATE INDEX accounts_by_deletion ON accounts (deleted_from_ms);

-- Root keys, wrapped for each unlocker.
CREATE TABLE wraps (
    uid         BLOB NOT NULL,
    unlocker_id BLOB NOT NULL,
    sealed      BLOB NOT NULL,
    PRIMARY KEY (uid, unlocker_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE backup_codes (
    uid       BLOB    NOT NULL,
    code_hash BLOB    NOT NULL,
    is_reset  INTEGER NOT NULL, -- given out by an administrator
    used_ms   INTEGER,
    PRIMARY KEY (uid, code_hash)
) STRICT, WITHOUT ROWID;

-- Sign-ups that wait for their first code. The vaults come into being with
-- the account, so one that is never confirmed leaves nothing but this row.
CREATE TABLE signups (
    uid          BLOB    NOT NULL PRIMARY KEY,
    handle       TEXT    NOT NULL UNIQUE,
    request      BLOB    NOT NULL, -- as it came
    totp         BLOB    NOT NULL, -- sealed
    backup_codes BLOB    NOT NULL, -- 32-byte hashes
    expires_ms   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX signups_by_expiry ON signups (expires_ms);

CREATE TABLE invitations (
    code_hash     BLOB    NOT NULL PRIMARY KEY,
    invitation_id BLOB    NOT NULL UNIQUE, -- by which administrators name it
    administrator INTEGER NOT NULL, -- what the invited becomes
    is_first      INTEGER NOT NULL, -- printed at start, until there is an administrator
    created_ms    INTEGER NOT NULL,
    expires_ms    INTEGER NOT NULL,
    taken_by      BLOB              -- uid
) STRICT, WITHOUT ROWID;
CREATE INDEX invitations_by_taker ON invitations (taken_by);

CREATE TABLE sessions (
    token_hash      BLOB    NOT NULL PRIMARY KEY,
    session_id      BLOB    NOT NULL UNIQUE,
    uid             BLOB    NOT NULL,
    kind            INTEGER NOT NULL,
    device_label    TEXT    NOT NULL,
    device_hash     BLOB,              -- a known device
    created_ms      INTEGER NOT NULL,
    last_used_ms    INTEGER NOT NULL,
    expires_ms      INTEGER NOT NULL,
    proved_until_ms INTEGER NOT NULL,
    half            BLOB               -- sealed; opens a root key on the client
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_account ON sessions (uid);
CREATE INDEX sessions_by_expiry ON sessions (expires_ms);

-- Devices that have logged in before.
CREATE TABLE devices (
    token_hash   BLOB    NOT NULL PRIMARY KEY,
    uid          BLOB    NOT NULL,
    last_used_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX devices_by_account ON devices (uid);

-- Log-ins between KE1 and KE3, real and invented.
CREATE TABLE logins (
    login_id   BLOB    NOT NULL PRIMARY KEY,
    uid        BLOB,              -- none for a handle that nobody has
    session_id BLOB,              -- of a proof within a session
    state      BLOB    NOT NULL,  -- sealed
    device     BLOB,
    buckets    BLOB    NOT NULL,  -- 32-byte keys, given back on success
    expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX logins_by_expiry ON logins (expires_ms);

CREATE TABLE recovery_nonces (
    nonce      BLOB    NOT NULL PRIMARY KEY,
    handle     TEXT    NOT NULL,
    expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX recovery_nonces_by_expiry ON recovery_nonces (expires_ms);

CREATE TABLE rate_limits (
    bucket     BLOB    NOT NULL PRIMARY KEY,
    free_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX rate_limits_by_time ON rate_limits (free_at_ms);
