CREATE TABLE IF NOT EXISTS block_parts (
    file BINARY(16) NOT NULL,
    idx INT NOT NULL,
    block_len BIGINT NOT NULL,
    stored_ms BIGINT NOT NULL,
    data LONGBLOB NOT NULL,
    PRIMARY KEY (file, idx) /*T![clustered_index] CLUSTERED */,
    KEY block_parts_listed (idx, file, stored_ms)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
