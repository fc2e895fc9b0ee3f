CREATE TABLE IF NOT EXISTS discarded_files (
    file BINARY(16) NOT NULL,
    PRIMARY KEY (file) /*T![clustered_index] CLUSTERED */
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
