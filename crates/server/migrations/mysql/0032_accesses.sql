CREATE TABLE IF NOT EXISTS accesses (
    vault_id BINARY(32) NOT NULL,
    access_id BINARY(16) NOT NULL,
    principal BINARY(32) NOT NULL,
    content_id BINARY(16) NOT NULL,
    first_ms BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    blocks BIGINT NOT NULL,
    PRIMARY KEY (vault_id, access_id) /*T![clustered_index] CLUSTERED */,
    KEY accesses_by_time (last_ms)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
