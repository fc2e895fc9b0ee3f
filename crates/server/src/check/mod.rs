//! Proves that what is stored is whole.
