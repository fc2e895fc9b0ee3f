CREATE TABLE IF NOT EXISTS audit_events (
    event_id BINARY(16) NOT NULL,
    at_ms BIGINT NOT NULL,
    kind TINYINT NOT NULL,
    actor BINARY(32) NOT NULL,
    subject BINARY(32) NOT NULL,
    network BINARY(16) NOT NULL,
    detail BLOB NOT NULL,
    PRIMARY KEY (event_id) /*T![clustered_index] CLUSTERED */,
    KEY audit_events_by_time (at_ms)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
