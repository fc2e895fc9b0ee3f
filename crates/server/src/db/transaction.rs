//! Snapshots and units of work, and the statements that run in them.

use std::borrow::Cow;

use super::dialect;
use super::error::Result;
use super::mysql::MySql;
use super::session::Session;
use super::value::{Row, Value};
use super::{RetriableError, mysql};

/// Rows or list items in one statement: the sizes in which batches are cut,
/// few, so that the prepared statements are used again.
const BATCHES: [usize; 3] = [128, 16, 1];
/// Bytes of values in one statement of more than one row: MariaDB takes no
/// more than 16 MiB.
const STATEMENT_LEN: usize = 4 * 1024 * 1024;
/// How often a snapshot from which nothing was read yet is taken anew.
const FRESH_STARTS: u32 = 3;

/// A snapshot: everything read through it is of one moment.
#[derive(Debug)]
pub struct Read {
    session: Session,
    /// Where to take it anew, until something was read.
    fresh: Option<MySql>,
}

/// A unit of work. Dropping it undoes it.
#[derive(Debug)]
pub struct Write {
    session: Session,
    /// Where the commit's answer can be had if it is lost.
    server: Option<MySql>,
    has_changed: bool,
}

/// Reading, in a snapshot or a unit of work.
pub trait Query: Send {
    /// Runs a statement as it is; for this trait only.
    #[doc(hidden)]
    fn fetch(
        &mut self,
        sql: Cow<'static, str>,
        args: Vec<Value>,
    ) -> impl Future<Output = Result<Vec<Row>>> + Send;

    /// Every row of the answer.
    ///
    /// # Errors
    /// [`super::Error`].
    fn query(
        &mut self,
        sql: &'static str,
        args: Vec<Value>,
    ) -> impl Future<Output = Result<Vec<Row>>> + Send {
        self.fetch(Cow::Borrowed(sql), args)
    }

    /// The first row of the answer, if it has one.
    ///
    /// # Errors
    /// [`super::Error`].
    fn lookup(
        &mut self,
        sql: &'static str,
        args: Vec<Value>,
    ) -> impl Future<Output = Result<Option<Row>>> + Send {
        async move { Ok(self.query(sql, args).await?.into_iter().next()) }
    }

    /// Every row of a statement whose last values are the list `(?..)`.
    ///
    /// The list is cut in pieces, so the answer is in no order and must not
    /// depend on seeing the whole list at once.
    ///
    /// # Errors
    /// [`super::Error`].
    fn query_list(
        &mut self,
        sql: &'static str,
        args: Vec<Value>,
        list: Vec<Value>,
    ) -> impl Future<Output = Result<Vec<Row>>> + Send {
        async move {
            let mut rows = Vec::new();
            for piece in pieces(list, Value::len) {
                let text = dialect::with_list(sql, piece.len());
                let args = args.iter().cloned().chain(piece).collect();
                rows.extend(self.fetch(Cow::Owned(text), args).await?);
            }
            Ok(rows)
        }
    }
}

impl Read {
    pub(super) const fn new(session: Session, fresh: Option<MySql>) -> Self {
        Self { session, fresh }
    }
}

impl Query for Read {
    /// The first statement may find its connection cut: servers do that after
    /// a while. Nothing was read yet, so another snapshot is as good.
    async fn fetch(&mut self, sql: Cow<'static, str>, args: Vec<Value>) -> Result<Vec<Row>> {
        let Some(server) = self.fresh.take() else {
            return self.session.fetch(sql, args).await;
        };
        let mut attempt = 1;
        loop {
            match self.session.fetch(sql.clone(), args.clone()).await {
                Err(error) if error.is_conflict() && attempt < FRESH_STARTS => {
                    self.session = server.begin_read().await?;
                    attempt += 1;
                }
                done => return done,
            }
        }
    }
}

impl Query for Write {
    async fn fetch(&mut self, sql: Cow<'static, str>, args: Vec<Value>) -> Result<Vec<Row>> {
        self.session.fetch(sql, args).await
    }
}

impl Write {
    pub(super) const fn new(session: Session, server: Option<MySql>) -> Self {
        Self {
            session,
            server,
            has_changed: false,
        }
    }

    /// Runs a statement; how many rows it met.
    ///
    /// # Errors
    /// [`super::Error`].
    pub async fn execute(&mut self, sql: &'static str, args: Vec<Value>) -> Result<u64> {
        self.run(Cow::Borrowed(sql), args).await
    }

    /// Runs an `INSERT .. VALUES (?, ..)` for many rows.
    ///
    /// # Errors
    /// [`super::Error`].
    pub async fn insert(&mut self, sql: &'static str, rows: Vec<Vec<Value>>) -> Result<()> {
        for piece in pieces(rows, |row| row.iter().map(Value::len).sum()) {
            let text = dialect::with_rows(sql, piece.len());
            let args = piece.into_iter().flatten().collect();
            self.run(Cow::Owned(text), args).await?;
        }
        Ok(())
    }

    /// Runs a statement whose last values are the list `(?..)`, in pieces;
    /// how many rows it met.
    ///
    /// # Errors
    /// [`super::Error`].
    pub async fn execute_list(
        &mut self,
        sql: &'static str,
        args: Vec<Value>,
        list: Vec<Value>,
    ) -> Result<u64> {
        let mut met = 0;
        for piece in pieces(list, Value::len) {
            let text = dialect::with_list(sql, piece.len());
            let args = args.iter().cloned().chain(piece).collect();
            met += self.run(Cow::Owned(text), args).await?;
        }
        Ok(met)
    }

    /// Keeps the work: when this returns, it is durable. If a server's answer
    /// is lost, this finds out what became of the work.
    ///
    /// # Errors
    /// [`super::Error::CommitUnknown`] if that cannot be found out; after any
    /// other error nothing was kept.
    pub async fn commit(mut self) -> Result<()> {
        match self.server {
            Some(server) if self.has_changed => {
                let receipt = mysql::Receipt::leave(&mut self.session).await?;
                match self.session.commit().await {
                    Ok(()) => Ok(()),
                    Err(error) => receipt.settle(&server, error).await,
                }
            }
            _ => self.session.commit().await,
        }
    }

    async fn run(&mut self, sql: Cow<'_, str>, args: Vec<Value>) -> Result<u64> {
        self.has_changed = true;
        self.session.run(sql, args).await
    }
}

/// Cuts a list into the sizes of [`BATCHES`], none of them too heavy for a
/// statement unless it is a single one.
fn pieces<T>(list: Vec<T>, weight: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    let mut rest = list.into_iter();
    let mut pieces = Vec::new();
    for size in BATCHES {
        while let Some(piece) = rest.as_slice().get(..size) {
            let is_heavy = piece.iter().map(&weight).sum::<usize>() > STATEMENT_LEN;
            if is_heavy && size > 1 {
                break;
            }
            pieces.push(rest.by_ref().take(size).collect());
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_cut_by_number_and_by_weight() {
        let sizes = |list: Vec<usize>| -> Vec<usize> {
            let pieces = pieces(list, |weight| *weight);
            pieces.iter().map(Vec::len).collect()
        };
        assert_eq!(sizes(vec![1; 145]), [128, 16, 1]);
        assert_eq!(sizes(vec![STATEMENT_LEN; 2]), [1, 1]);
        assert_eq!(sizes(vec![STATEMENT_LEN / 16; 17]), [16, 1]);
        assert_eq!(sizes(Vec::new()), [0; 0]);
    }
}
