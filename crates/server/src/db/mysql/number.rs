//! Errors by the numbers that the servers give them. Not by SQLSTATE, under
//! which TiDB's own are all one.

use sqlx::mysql::MySqlDatabaseError;

use crate::db::error::Error;

/// What a failure of a server is to callers.
pub(in crate::db) fn error(error: sqlx::Error) -> Error {
    match &error {
        sqlx::Error::Database(cause) => {
            let cause = cause.try_downcast_ref::<MySqlDatabaseError>();
            let number = cause.map_or(0, MySqlDatabaseError::number);
            if cause.is_some_and(|cause| cause.message().contains("Missing user name prefix")) {
                return Error::UserPrefix;
            }
            by_number(number).unwrap_or(Error::Engine(error))
        }
        // The connection broke, which undoes what was not committed.
        sqlx::Error::Io(_) => Error::Lost(error),
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
            Error::Unavailable(error)
        }
        _ => Error::Engine(error),
    }
}

/// The error of a number that callers tell apart.
pub(in crate::db) fn by_number(number: u16) -> Option<Error> {
    Some(match number {
        // A key exists.
        1022 | 1062 | 1586 => Error::Exists,
        // MariaDB's 1020: the record has changed since it was read. Lock wait
        // and deadlock; a lock that was not to be had at once.
        1020 | 1205 | 1213 | 3572 => Error::Conflict,
        // TiDB: 8002 aborted by a conflict, 8022 commit failed and rolled
        // back, 8027 and 8028 the schema changed, 8229 the lock timed out,
        // 9003 to 9007 the storage was busy, moving or in conflict.
        8002 | 8005 | 8022 | 8027 | 8028 | 8229 | 9001..=9005 | 9007 => Error::Conflict,
        // The server ended the connection or the statement.
        1053 | 1317 | 1927 | 4031 => Error::Lost(sqlx::Error::Protocol(format!(
            "the database ended the connection: {number}"
        ))),
        // No more connections for anybody, or for this user.
        1040 | 1203 | 1226 => Error::Unavailable(sqlx::Error::PoolTimedOut),
        1021 | 1114 => Error::Full,
        // Packet, row, transaction, memory of a statement.
        1153 | 8004 | 8025 | 8175 => Error::TooLarge,
        // TiDB Cloud: over its quota.
        8252 => Error::Throttled,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::RetriableError;

    #[test]
    fn what_may_be_done_again_and_what_may_not() {
        for number in [
            1020, 1205, 1213, 3572, 8002, 8005, 8022, 8027, 8028, 8229, 9001, 9002, 9003, 9004,
            9005, 9007,
        ] {
            assert!(by_number(number).is_some_and(|error| error.is_conflict()));
        }
        for number in [8004, 8025, 8175, 8252, 1062, 1114, 1040] {
            assert!(by_number(number).is_some_and(|error| !error.is_conflict()));
        }
        assert!(by_number(1064).is_none());
    }
}
