//! A transaction of some engine: where a statement meets the one that runs it.

use std::borrow::Cow;
use std::sync::Arc;

use sqlx::{MySql, Sqlite, Transaction};

use super::error::Result;
use super::faults::{Fault, Faults, Point};
use super::value::{Row, Value};
use super::{dialect, mysql, sqlite};

/// A transaction, and what a test wants to go wrong in it.
#[derive(Debug)]
pub(super) struct Session {
    engine: Engine,
    faults: Option<Arc<dyn Faults>>,
}

#[derive(Debug)]
enum Engine {
    Sqlite(Transaction<'static, Sqlite>),
    MySql(Transaction<'static, MySql>),
}

impl Session {
    pub(super) const fn sqlite(inner: Transaction<'static, Sqlite>) -> Self {
        Self {
            engine: Engine::Sqlite(inner),
            faults: None,
        }
    }

    pub(super) const fn mysql(inner: Transaction<'static, MySql>) -> Self {
        Self {
            engine: Engine::MySql(inner),
            faults: None,
        }
    }

    pub(super) fn failing(self, faults: Option<Arc<dyn Faults>>) -> Self {
        Self { faults, ..self }
    }

    /// Every row of an answer. The text comes from literals of this crate,
    /// changed by [`dialect`] alone.
    pub(super) async fn fetch(&mut self, sql: Cow<'_, str>, args: Vec<Value>) -> Result<Vec<Row>> {
        self.strike(Point::Statement(&sql, total_len(&args)))?;
        match &mut self.engine {
            Engine::Sqlite(inner) => sqlite::fetch(inner, dialect::sqlite(&sql), args).await,
            Engine::MySql(inner) => mysql::fetch(inner, dialect::mysql(&sql), args).await,
        }
    }

    /// How many rows a statement met.
    pub(super) async fn run(&mut self, sql: Cow<'_, str>, args: Vec<Value>) -> Result<u64> {
        self.strike(Point::Statement(&sql, total_len(&args)))?;
        match &mut self.engine {
            Engine::Sqlite(inner) => sqlite::run(inner, dialect::sqlite(&sql), args).await,
            Engine::MySql(inner) => mysql::run(inner, dialect::mysql(&sql), args).await,
        }
    }

    /// Ends the transaction. An error says that the answer is missing, not
    /// that nothing was kept.
    pub(super) async fn commit(self) -> Result<()> {
        self.strike(Point::Commit)?;
        let faults = self.faults;
        match self.engine {
            Engine::Sqlite(inner) => Ok(inner.commit().await?),
            Engine::MySql(inner) => {
                inner.commit().await.map_err(mysql::error)?;
                strike(faults.as_deref(), Point::Committed)
            }
        }
    }

    fn strike(&self, point: Point<'_>) -> Result<()> {
        strike(self.faults.as_deref(), point)
    }
}

fn total_len(args: &[Value]) -> usize {
    args.iter().map(Value::len).sum()
}

pub(super) fn strike(faults: Option<&dyn Faults>, point: Point<'_>) -> Result<()> {
    faults
        .and_then(|faults| faults.strike(point))
        .map_or(Ok(()), |fault| Err(Fault::into_error(fault)))
}
