CREATE TABLE IF NOT EXISTS contents (
    content_id BINARY(16) NOT NULL,
    uploader BINARY(32) NOT NULL,
    committed TINYINT NOT NULL,
    revision BIGINT NOT NULL,
    sealed_len BIGINT NOT NULL,
    block_count BIGINT NOT NULL,
    blocks_root BINARY(32),
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    PRIMARY KEY (content_id) /*T![clustered_index] CLUSTERED */,
    KEY contents_by_expiry (committed, expires_ms)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
