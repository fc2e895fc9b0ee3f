CREATE TABLE IF NOT EXISTS unreferenced_contents (
    content_id BINARY(16) NOT NULL,
    not_before_ms BIGINT NOT NULL,
    PRIMARY KEY (content_id) /*T![clustered_index] CLUSTERED */,
    KEY unreferenced_by_time (not_before_ms)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
