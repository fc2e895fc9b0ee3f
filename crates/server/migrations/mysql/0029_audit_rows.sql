CREATE TABLE IF NOT EXISTS audit_rows (
    seq BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    kind TINYINT NOT NULL,
    actor BINARY(32) NOT NULL,
    subject BINARY(32) NOT NULL,
    network BINARY(16) NOT NULL,
    detail BLOB NOT NULL,
    hash BINARY(32) NOT NULL,
    mac BINARY(32) NOT NULL,
    PRIMARY KEY (seq) /*T![clustered_index] CLUSTERED */,
    KEY audit_rows_by_time (at_ms)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
