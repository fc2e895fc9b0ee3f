CREATE TABLE IF NOT EXISTS blocks (
    content_id BINARY(16) NOT NULL,
    idx BIGINT NOT NULL,
    len BIGINT NOT NULL,
    hash BINARY(32) NOT NULL,
    file BINARY(16),
    data LONGBLOB,
    PRIMARY KEY (content_id, idx) /*T![clustered_index] CLUSTERED */,
    KEY blocks_by_file (file)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
