CREATE TABLE IF NOT EXISTS envelopes_ahead (
    vault_id BINARY(32) NOT NULL,
    hash BINARY(32) NOT NULL,
    seq BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    PRIMARY KEY (vault_id, hash) /*T![clustered_index] CLUSTERED */,
    KEY envelopes_ahead_by_end (until_ms)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
