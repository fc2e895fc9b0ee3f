CREATE TABLE IF NOT EXISTS devices (
    token_hash BINARY(32) NOT NULL,
    uid BINARY(32) NOT NULL,
    last_used_ms BIGINT NOT NULL,
    PRIMARY KEY (token_hash) /*T![clustered_index] CLUSTERED */,
    KEY devices_by_account (uid)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
