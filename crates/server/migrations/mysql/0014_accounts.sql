CREATE TABLE IF NOT EXISTS accounts (
    uid BINARY(32) NOT NULL,
    handle VARCHAR(64) NOT NULL,
    administrator TINYINT NOT NULL,
    disabled TINYINT NOT NULL,
    created_ms BIGINT NOT NULL,
    password_record LONGBLOB NOT NULL,
    unlockers LONGBLOB NOT NULL,
    unlockers_version BIGINT NOT NULL,
    totp BLOB,
    totp_last_step BIGINT NOT NULL,
    new_totp BLOB,
    new_totp_until_ms BIGINT NOT NULL,
    deleted_from_ms BIGINT,
    PRIMARY KEY (uid) /*T![clustered_index] CLUSTERED */,
    UNIQUE KEY accounts_by_handle (handle),
    KEY accounts_by_deletion (deleted_from_ms)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
