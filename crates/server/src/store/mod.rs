//! The rows of the database, and the statements that read and write them.
