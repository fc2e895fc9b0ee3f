//! What the server does on its own: expiry, collection, pruning.
