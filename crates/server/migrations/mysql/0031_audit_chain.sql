CREATE TABLE IF NOT EXISTS audit_chain (
    id TINYINT NOT NULL,
    seq BIGINT NOT NULL,
    hash BINARY(32) NOT NULL,
    pruned_seq BIGINT NOT NULL,
    pruned_hash BINARY(32) NOT NULL,
    public_key BINARY(32) NOT NULL,
    secret_key BLOB NOT NULL,
    PRIMARY KEY (id) /*T![clustered_index] CLUSTERED */
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
