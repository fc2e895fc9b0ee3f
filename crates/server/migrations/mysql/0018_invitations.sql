CREATE TABLE IF NOT EXISTS invitations (
    code_hash BINARY(32) NOT NULL,
    invitation_id BINARY(16) NOT NULL,
    administrator TINYINT NOT NULL,
    is_first TINYINT NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    taken_by BINARY(32),
    PRIMARY KEY (code_hash) /*T![clustered_index] CLUSTERED */,
    UNIQUE KEY invitations_by_id (invitation_id),
    KEY invitations_by_taker (taken_by)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
