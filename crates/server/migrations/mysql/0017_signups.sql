CREATE TABLE IF NOT EXISTS signups (
    uid BINARY(32) NOT NULL,
    handle VARCHAR(64) NOT NULL,
    request LONGBLOB NOT NULL,
    totp BLOB NOT NULL,
    backup_codes BLOB NOT NULL,
    expires_ms BIGINT NOT NULL,
    PRIMARY KEY (uid) /*T![clustered_index] CLUSTERED */,
    UNIQUE KEY signups_by_handle (handle),
    KEY signups_by_expiry (expires_ms)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
