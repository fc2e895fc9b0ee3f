CREATE TABLE IF NOT EXISTS content_refs (
    vault_id BINARY(32) NOT NULL,
    node_id BINARY(16) NOT NULL,
    content_id BINARY(16) NOT NULL,
    owner BINARY(32) NOT NULL,
    PRIMARY KEY (vault_id, node_id, content_id) /*T![clustered_index] CLUSTERED */,
    KEY content_refs_by_content (content_id, vault_id, owner)
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
