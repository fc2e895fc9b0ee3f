CREATE TABLE IF NOT EXISTS envelopes_ahead (
    vault_id BINARY(32) NOT NULL,
    until_ms BIGINT NOT NULL,
    PRIMARY KEY (vault_id) /*T![clustered_index] CLUSTERED */
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
