CREATE TABLE IF NOT EXISTS logins (
    login_id BINARY(16) NOT NULL,
    uid BINARY(32),
    session_id BINARY(16),
    state LONGBLOB NOT NULL,
    device BINARY(32),
    buckets BLOB NOT NULL,
    expires_ms BIGINT NOT NULL,
    PRIMARY KEY (login_id) /*T![clustered_index] CLUSTERED */,
    KEY logins_by_expiry (expires_ms)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
