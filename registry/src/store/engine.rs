//! The narrow port between operations and sqlx: a transaction that executes and fetches, and the loop that runs one.

use std::future::Future;
use std::pin::Pin;

use sqlx::error::BoxDynError;
use sqlx::query::Query;
use sqlx::{
    Column, ColumnIndex, Database, Decode, Encode, Executor, IntoArguments, Row as _, Type, TypeInfo as _,
    ValueRef as _,
};

use super::error::{ATTEMPTS, Failure, StoreError, pause};
use super::statement::{Dialect, Statement};

/// A parameter.
#[derive(Clone, Copy, Debug)]
pub(super) enum Arg<'a> {
    Text(&'a str),
    OptionalText(Option<&'a str>),
    Int(i64),
    Texts(&'a [String]),
    Ints(&'a [i64]),
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Arg<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Arg<'_> {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<i32> for Arg<'_> {
    fn from(number: i32) -> Self {
        Self::Int(i64::from(number))
    }
}

/// A row read, as the operations need it: texts and whole numbers.
#[derive(Debug)]
pub(super) struct Row(Vec<Cell>);

#[derive(Debug)]
enum Cell {
    Null,
    Int(i64),
    Text(String),
}

impl Row {
    /// Text of a column; NULL is the empty text.
    pub(super) fn text(&self, column: usize) -> String {
        self.optional_text(column).unwrap_or_default()
    }

    /// Text of a column.
    pub(super) fn optional_text(&self, column: usize) -> Option<String> {
        match self.0.get(column)? {
            Cell::Null => None,
            Cell::Int(number) => Some(number.to_string()),
            Cell::Text(text) => Some(text.clone()),
        }
    }

    /// Number of a column; NULL is 0.
    pub(super) fn int(&self, column: usize) -> i64 {
        self.optional_int(column).unwrap_or_default()
    }

    /// Number of a column.
    pub(super) fn optional_int(&self, column: usize) -> Option<i64> {
        match self.0.get(column)? {
            Cell::Int(number) => Some(*number),
            _ => None,
        }
    }
}

/// A transaction under way.
pub(super) trait Tx: Send {
    /// Runs a statement. -> rows it matched (for an UPDATE: also those that did not change).
    fn execute(
        &mut self,
        statement: &Statement,
        args: &[Arg<'_>],
    ) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;

    /// Reads rows.
    fn fetch(
        &mut self,
        statement: &Statement,
        args: &[Arg<'_>],
    ) -> impl Future<Output = Result<Vec<Row>, sqlx::Error>> + Send;
}

/// A database that speaks one of our dialects.
pub(super) trait Speaks: Database {
    const DIALECT: Dialect;

    fn rows_affected(result: &Self::QueryResult) -> u64;
}

/// Runs a statement on a connection. -> rows it matched
pub(super) async fn execute_on<DB>(
    connection: &mut DB::Connection,
    statement: &Statement,
    args: &[Arg<'_>],
) -> Result<u64, sqlx::Error>
where
    DB: Speaks,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'q> Option<String>: Encode<'q, DB> + Type<DB>,
    for<'q> i64: Encode<'q, DB> + Type<DB>,
    DB::Arguments: IntoArguments<DB>,
{
    let query = bind::<DB>(sqlx::query(sqlx::AssertSqlSafe(text::<DB>(statement, args))), args);
    Ok(DB::rows_affected(&query.execute(connection).await?))
}

/// Reads rows on a connection.
pub(super) async fn fetch_on<DB>(
    connection: &mut DB::Connection,
    statement: &Statement,
    args: &[Arg<'_>],
) -> Result<Vec<Row>, sqlx::Error>
where
    DB: Speaks,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'q> Option<String>: Encode<'q, DB> + Decode<'q, DB> + Type<DB>,
    for<'q> i64: Encode<'q, DB> + Decode<'q, DB> + Type<DB>,
    DB::Arguments: IntoArguments<DB>,
    usize: ColumnIndex<DB::Row>,
{
    let query = bind::<DB>(sqlx::query(sqlx::AssertSqlSafe(text::<DB>(statement, args))), args);
    query.fetch_all(connection).await?.iter().map(read_row::<DB>).collect()
}

fn text<DB: Speaks>(statement: &Statement, args: &[Arg<'_>]) -> std::borrow::Cow<'static, str> {
    let lists = args.iter().filter_map(|arg| match arg {
        Arg::Texts(list) => Some(list.len()),
        Arg::Ints(list) => Some(list.len()),
        _ => None,
    });
    statement.text(DB::DIALECT, lists)
}

fn bind<'q, DB>(mut query: Query<'q, DB, DB::Arguments>, args: &[Arg<'_>]) -> Query<'q, DB, DB::Arguments>
where
    DB: Database,
    for<'e> Option<String>: Encode<'e, DB> + Type<DB>,
    for<'e> i64: Encode<'e, DB> + Type<DB>,
{
    for arg in args {
        query = match *arg {
            // The placeholder of an empty list: `IN (NULL)` is true for no row.
            Arg::Texts([]) | Arg::Ints([]) => query.bind(None::<String>),
            Arg::Text(text) => query.bind(Some(text.to_owned())),
            Arg::OptionalText(text) => query.bind(text.map(str::to_owned)),
            Arg::Int(number) => query.bind(number),
            Arg::Texts(list) => list.iter().fold(query, |query, text| query.bind(Some(text.clone()))),
            Arg::Ints(list) => list.iter().fold(query, |query, number| query.bind(*number)),
        };
    }
    query
}

fn read_row<DB>(row: &DB::Row) -> Result<Row, sqlx::Error>
where
    DB: Database,
    for<'r> Option<String>: Decode<'r, DB> + Type<DB>,
    for<'r> i64: Decode<'r, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    let mut cells = Vec::with_capacity(row.columns().len());
    for column in row.columns() {
        let value = row.try_get_raw(column.ordinal())?;
        let is_int = value.type_info().name().contains("INT");
        let failed = |source: BoxDynError| sqlx::Error::ColumnDecode {
            index: column.name().to_owned(),
            source,
        };
        cells.push(if value.is_null() {
            Cell::Null
        } else if is_int {
            Cell::Int(<i64 as Decode<'_, DB>>::decode(value).map_err(failed)?)
        } else {
            <Option<String> as Decode<'_, DB>>::decode(value)
                .map_err(failed)?
                .map_or(Cell::Null, Cell::Text)
        });
    }
    Ok(Row(cells))
}

/// What a database must offer to run our operations.
pub(super) trait Engine: Send + Sync + 'static {
    type Tx: Tx;

    /// Begins a transaction that writes.
    fn begin(&self) -> impl Future<Output = Result<Self::Tx, sqlx::Error>> + Send;

    /// Begins a transaction that only reads, and sees one moment of the database.
    fn begin_read(&self) -> impl Future<Output = Result<Self::Tx, sqlx::Error>> + Send;

    fn commit(tx: Self::Tx) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// Ends a transaction a statement of which the database refused.
    fn roll_back(tx: Self::Tx) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// What a failure means here.
    fn classify(error: &sqlx::Error) -> Failure;

    /// Called for every attempt that is made again.
    fn retried(&self, failure: Failure);
}

/// The work of one transaction.
pub(super) type Work<'t, T> = Pin<Box<dyn Future<Output = Result<T, sqlx::Error>> + Send + 't>>;

/// Runs `work` in a transaction and commits it; begins again, a bounded number of times, when it lost against another
/// transaction or its connection broke.
pub(super) async fn transact<E, A, T>(
    engine: &E,
    input: &A,
    work: for<'t> fn(&'t mut E::Tx, &'t A) -> Work<'t, T>,
) -> Result<T, StoreError>
where
    E: Engine,
    A: Sync + ?Sized,
    T: Send,
{
    run(engine, Kind::Write, input, work).await
}

/// The same with a transaction that only reads, and sees one moment of the database.
pub(super) async fn read<E, A, T>(
    engine: &E,
    input: &A,
    work: for<'t> fn(&'t mut E::Tx, &'t A) -> Work<'t, T>,
) -> Result<T, StoreError>
where
    E: Engine,
    A: Sync + ?Sized,
    T: Send,
{
    run(engine, Kind::Read, input, work).await
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Write,
    Read,
}

async fn run<E, A, T>(
    engine: &E,
    kind: Kind,
    input: &A,
    work: for<'t> fn(&'t mut E::Tx, &'t A) -> Work<'t, T>,
) -> Result<T, StoreError>
where
    E: Engine,
    A: Sync + ?Sized,
    T: Send,
{
    let mut attempt = 1;
    loop {
        let error = match attempt_once(engine, kind, input, work).await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let failure = Failure::of_connection(&error).unwrap_or_else(|| E::classify(&error));
        if attempt >= ATTEMPTS || !failure.is_worth_retrying() {
            return Err(failure.into_error(error));
        }
        engine.retried(failure);
        tokio::time::sleep(pause(attempt)).await;
        attempt += 1;
    }
}

async fn attempt_once<E, A, T>(
    engine: &E,
    kind: Kind,
    input: &A,
    work: for<'t> fn(&'t mut E::Tx, &'t A) -> Work<'t, T>,
) -> Result<T, sqlx::Error>
where
    E: Engine,
    A: Sync + ?Sized,
    T: Send,
{
    let mut tx = match kind {
        Kind::Write => engine.begin().await?,
        Kind::Read => engine.begin_read().await?,
    };
    match work(&mut tx, input).await {
        Ok(value) => {
            E::commit(tx).await?;
            Ok(value)
        }
        Err(error) => {
            // After any other error the connection is of no more use: dropping the transaction ends it. So it is when the
            // database does not take the write: behind the same address another connection may reach the new primary.
            let failure = Failure::of_connection(&error).unwrap_or_else(|| E::classify(&error));
            let goes_on = !matches!(failure, Failure::Disconnected | Failure::Unavailable);
            if goes_on && error.as_database_error().is_some() {
                let _ = E::roll_back(tx).await;
            }
            Err(error)
        }
    }
}
