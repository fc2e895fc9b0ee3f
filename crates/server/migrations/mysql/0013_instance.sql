CREATE TABLE IF NOT EXISTS instance (
    id INT NOT NULL,
    opaque_setup LONGBLOB NOT NULL,
    credential_key LONGBLOB NOT NULL,
    opaque_public_key BINARY(32) NOT NULL,
    nonce BINARY(32) NOT NULL,
    nestings BIGINT NOT NULL,
    PRIMARY KEY (id) /*T![clustered_index] CLUSTERED */
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
