//! One integration binary: the conformance suites of the ports, and the vault services.
