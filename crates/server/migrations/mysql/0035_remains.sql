CREATE TABLE IF NOT EXISTS remains (
    vault_id BINARY(32) NOT NULL,
    kind TINYINT NOT NULL,
    genesis LONGBLOB NOT NULL,
    state LONGBLOB NOT NULL,
    PRIMARY KEY (vault_id) /*T![clustered_index] CLUSTERED */
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
