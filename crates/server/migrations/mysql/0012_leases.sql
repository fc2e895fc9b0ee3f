CREATE TABLE IF NOT EXISTS leases (
    name VARCHAR(64) NOT NULL,
    holder BINARY(16) NOT NULL,
    until_ms BIGINT NOT NULL,
    PRIMARY KEY (name) /*T![clustered_index] CLUSTERED */
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
