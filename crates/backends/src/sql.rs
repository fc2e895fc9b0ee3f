//! Database servers of the `MySQL` protocol, each a process of its own.
