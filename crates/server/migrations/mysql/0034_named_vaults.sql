CREATE TABLE IF NOT EXISTS named_vaults (
    vault_id BINARY(32) NOT NULL,
    named_id BINARY(32) NOT NULL,
    nesting BIGINT NOT NULL,
    PRIMARY KEY (vault_id, named_id) /*T![clustered_index] CLUSTERED */,
    KEY named_vaults_by_named (named_id),
    KEY named_vaults_by_nesting (nesting)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
