CREATE TABLE IF NOT EXISTS reserved_files (
    file BINARY(16) NOT NULL,
    expires_ms BIGINT NOT NULL,
    PRIMARY KEY (file) /*T![clustered_index] CLUSTERED */,
    KEY reserved_files_by_expiry (expires_ms)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
