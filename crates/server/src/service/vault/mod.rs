//! Vaults: append, read, uploads, downloads.
