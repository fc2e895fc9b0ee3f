-- Ids and hashes are BINARY, everything signed or sealed is LONGBLOB, times are
-- Unix milliseconds. What the columns mean is written in the migrations of
-- SQLite; here it is one statement a file, and each does no harm a second time.
CREATE TABLE IF NOT EXISTS vaults (
    vault_id BINARY(32) NOT NULL,
    kind TINYINT NOT NULL,
    owner BINARY(32) NOT NULL,
    genesis LONGBLOB NOT NULL,
    state LONGBLOB NOT NULL,
    head_seq BIGINT NOT NULL,
    head_hash BINARY(32) NOT NULL,
    checkpoint_seq BIGINT NOT NULL,
    leaves_from BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (vault_id) /*T![clustered_index] CLUSTERED */
) ENGINE = InnoDB, CHARACTER SET utf8mb4, COLLATE utf8mb4_bin
