//! Sign-up, log-in, recovery, second factor, sessions.
