CREATE TABLE IF NOT EXISTS sessions (
    token_hash BINARY(32) NOT NULL,
    session_id BINARY(16) NOT NULL,
    uid BINARY(32) NOT NULL,
    kind TINYINT NOT NULL,
    device_label VARCHAR(100) NOT NULL,
    device_hash BINARY(32),
    created_ms BIGINT NOT NULL,
    last_used_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    proved_until_ms BIGINT NOT NULL,
    half BLOB,
    PRIMARY KEY (token_hash) /*T![clustered_index] CLUSTERED */,
    UNIQUE KEY sessions_by_id (session_id),
    KEY sessions_by_account (uid),
    KEY sessions_by_expiry (expires_ms)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
