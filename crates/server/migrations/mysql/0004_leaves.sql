CREATE TABLE IF NOT EXISTS leaves (
    vault_id BINARY(32) NOT NULL,
    node_id BINARY(16) NOT NULL,
    since_seq BIGINT NOT NULL,
    until_seq BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    record_hash BINARY(32) NOT NULL,
    creator BINARY(32) NOT NULL,
    creator_role TINYINT NOT NULL,
    PRIMARY KEY (vault_id, node_id, since_seq) /*T![clustered_index] CLUSTERED */,
    KEY leaves_by_record (vault_id, record_hash),
    KEY leaves_superseded (vault_id, until_ms)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
