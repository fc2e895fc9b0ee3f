CREATE TABLE IF NOT EXISTS members (
    principal BINARY(32) NOT NULL,
    vault_id BINARY(32) NOT NULL,
    role TINYINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    PRIMARY KEY (principal, vault_id) /*T![clustered_index] CLUSTERED */,
    KEY members_of_vault (vault_id)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
