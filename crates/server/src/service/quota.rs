//! How much an account may store, and how much it does.
