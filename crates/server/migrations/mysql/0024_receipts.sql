-- Units of work that were committed, or can no longer be (`db/mysql/receipt.rs`).
-- SQLite has no such table: nothing comes between it and its answer.
CREATE TABLE IF NOT EXISTS receipts (
    id BINARY(16) NOT NULL,
    is_kept TINYINT NOT NULL,
    made_ms BIGINT NOT NULL,
    PRIMARY KEY (id) /*T![clustered_index] CLUSTERED */,
    KEY receipts_by_time (made_ms)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
