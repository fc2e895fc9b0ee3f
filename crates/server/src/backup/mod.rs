//! Consistent copies of a server, and how they come back.
