CREATE TABLE IF NOT EXISTS recovery_nonces (
    nonce BINARY(32) NOT NULL,
    handle VARCHAR(64) NOT NULL,
    expires_ms BIGINT NOT NULL,
    PRIMARY KEY (nonce) /*T![clustered_index] CLUSTERED */,
    KEY recovery_nonces_by_expiry (expires_ms)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
