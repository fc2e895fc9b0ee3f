-- Names under which a block may be stored: taken before its first byte, given
-- up when a row of `blocks` names it. Whoever lost the row may not commit.
CREATE TABLE reserved_files (
    file       BINARY(16) NOT NULL,
    expires_ms BIGINT     NOT NULL,
    PRIMARY KEY (file),
    KEY reserved_files_by_expiry (expires_ms)
);
