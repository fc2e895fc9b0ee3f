CREATE TABLE IF NOT EXISTS bodies (
    vault_id BINARY(32) NOT NULL,
    hash BINARY(32) NOT NULL,
    is_envelope TINYINT NOT NULL,
    bytes LONGBLOB NOT NULL,
    PRIMARY KEY (vault_id, hash) /*T![clustered_index] CLUSTERED */
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
