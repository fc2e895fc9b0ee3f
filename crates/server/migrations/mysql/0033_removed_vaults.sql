CREATE TABLE IF NOT EXISTS removed_vaults (
    vault_id BINARY(32) NOT NULL,
    PRIMARY KEY (vault_id) /*T![clustered_index] CLUSTERED */
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
