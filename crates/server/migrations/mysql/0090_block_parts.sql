-- Blocks that rest in the database. Part 0 is written last and has the length
-- of the whole: without it there is no block. Listing reads the index alone.
CREATE TABLE block_parts (
    file      BINARY(16) NOT NULL,
    idx       INT        NOT NULL,
    block_len BIGINT     NOT NULL,
    stored_ms BIGINT     NOT NULL,
    data      LONGBLOB   NOT NULL,
    PRIMARY KEY (file, idx),
    KEY block_parts_listed (idx, file, stored_ms)
);
