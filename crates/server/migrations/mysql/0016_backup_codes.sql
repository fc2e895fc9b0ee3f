CREATE TABLE IF NOT EXISTS backup_codes (
    uid BINARY(32) NOT NULL,
    code_hash BINARY(32) NOT NULL,
    is_reset TINYINT NOT NULL,
    used_ms BIGINT,
    PRIMARY KEY (uid, code_hash) /*T![clustered_index] CLUSTERED */
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
