//! What the operator sets.
