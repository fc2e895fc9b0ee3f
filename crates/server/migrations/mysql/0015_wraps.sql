CREATE TABLE IF NOT EXISTS wraps (
    uid BINARY(32) NOT NULL,
    unlocker_id BINARY(16) NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (uid, unlocker_id) /*T![clustered_index] CLUSTERED */
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
