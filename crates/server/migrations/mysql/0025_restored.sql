CREATE TABLE IF NOT EXISTS restored (
    id INT NOT NULL,
    restore_id BINARY(16) NOT NULL,
    restored_ms BIGINT NOT NULL,
    backup_ms BIGINT NOT NULL,
    PRIMARY KEY (id) /*T![clustered_index] CLUSTERED */
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
