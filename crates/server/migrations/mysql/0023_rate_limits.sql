CREATE TABLE IF NOT EXISTS rate_limits (
    bucket BINARY(32) NOT NULL,
    free_at_ms BIGINT NOT NULL,
    PRIMARY KEY (bucket) /*T![clustered_index] CLUSTERED */,
    KEY rate_limits_by_time (free_at_ms)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
