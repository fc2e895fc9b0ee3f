CREATE TABLE IF NOT EXISTS entries (
    vault_id BINARY(32) NOT NULL,
    seq BIGINT NOT NULL,
    hash BINARY(32) NOT NULL,
    is_membership TINYINT NOT NULL,
    bytes LONGBLOB NOT NULL,
    PRIMARY KEY (vault_id, seq) /*T![clustered_index] CLUSTERED */,
    KEY entries_of_membership (vault_id, is_membership, seq)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
