CREATE TABLE IF NOT EXISTS audit_checkpoints (
    seq BIGINT NOT NULL,
    hash BINARY(32) NOT NULL,
    at_ms BIGINT NOT NULL,
    signature BINARY(64) NOT NULL,
    PRIMARY KEY (seq) /*T![clustered_index] CLUSTERED */
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
