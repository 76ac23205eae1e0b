//! The table, read as a stream: memory does not grow with it.

use std::collections::BTreeSet;
use std::pin::pin;

use futures_util::TryStreamExt;
use jiff::Timestamp;
use tokio_postgres::{Client, IsolationLevel, Row, Transaction};

use crate::dead_letters::DeadLettersError;
use crate::dead_letters::filter::{CONDITION, Filter, ORDER, Params};
use crate::dead_letters::letter::{Letter, says_cut};
use crate::limits::ITEM_KEY_BYTES_MAX;
use crate::postgres::migrate;
use crate::source::{Beside, SourceIdentity};

/// What a look at the table finds, in one snapshot, also while a sink goes on writing.
pub struct StoredLetters<'a> {
    pub(super) transaction: Transaction<'a>,
    /// Topics that are read; all other dead letters are of CSV files.
    topics: BTreeSet<String>,
}

/// Where the input comes from.
const INPUTS: &str = "SELECT source::text, beside::text FROM viewtide_progress";

impl<'a> StoredLetters<'a> {
    /// Takes the snapshot.
    ///
    /// # Errors
    /// A database without tables of viewtide.
    pub async fn open(client: &'a mut Client) -> Result<Self, DeadLettersError> {
        let db = DeadLettersError::while_doing("looking for the tables");
        let begun = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start();
        let transaction = begun.await.map_err(&db)?;
        let exists =
            transaction.query_one("SELECT to_regclass('viewtide_progress') IS NOT NULL", &[]).await.map_err(&db)?;
        if !exists.get::<_, bool>(0) {
            return Err(DeadLettersError::Empty);
        }
        if !migrate::is_current(&transaction).await.map_err(&db)? {
            return Err(DeadLettersError::Older);
        }
        let row = transaction.query_opt(INPUTS, &[]).await.map_err(&db)?.ok_or(DeadLettersError::Empty)?;
        let damaged = |column: &str, error: serde_json::Error| DeadLettersError::Progress(format!("{column}: {error}"));
        let source: SourceIdentity = serde_json::from_str(row.get(0)).map_err(|error| damaged("source", error))?;
        let beside: Beside = serde_json::from_str(row.get(1)).map_err(|error| damaged("beside", error))?;
        let topics = std::iter::once(source).chain(beside.into_values()).filter_map(|identity| match identity {
            SourceIdentity::Kafka { topic, .. } => Some(topic),
            SourceIdentity::Csv { .. } => None,
        });
        Ok(Self { transaction, topics: topics.collect() })
    }

    /// Whether dead letters of `topic` are rows of a CSV file.
    pub(super) fn is_csv(&self, topic: &str) -> bool {
        !self.topics.contains(topic)
    }

    /// How many there are.
    pub async fn count(&self, filter: &Filter) -> Result<u64, DeadLettersError> {
        let sql =
            format!("SELECT count(*) FROM (SELECT FROM dead_letters WHERE {CONDITION} LIMIT $9::bigint) AS chosen");
        let row = self.transaction.query_one(&sql, &Params::of(filter).with_limit()).await;
        let row = row.map_err(DeadLettersError::while_doing("counting dead letters"))?;
        Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or(0))
    }

    /// The topics, or CSV files, of those that there are.
    pub async fn topics(&self, filter: &Filter) -> Result<Vec<String>, DeadLettersError> {
        let sql = format!(
            "SELECT DISTINCT topic FROM (SELECT topic FROM dead_letters WHERE {CONDITION} ORDER BY {ORDER} \
             LIMIT $9::bigint) AS chosen ORDER BY topic"
        );
        let rows = self.transaction.query(&sql, &Params::of(filter).with_limit()).await;
        let rows = rows.map_err(DeadLettersError::while_doing("looking for topics of dead letters"))?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Hands each to `take`, in order of their places, until it says false.
    pub async fn each(
        &self,
        filter: &Filter,
        mut take: impl FnMut(Letter) -> Result<bool, DeadLettersError>,
    ) -> Result<(), DeadLettersError> {
        let db = DeadLettersError::while_doing("reading dead_letters");
        let sql = format!(
            "SELECT topic, \"partition\", kafka_offset, item, reason,
                    (extract(epoch FROM received_at) * 1000000)::bigint, key, payload,
                    (extract(epoch FROM kafka_timestamp) * 1000000)::bigint, before_gap
             FROM dead_letters WHERE {CONDITION} ORDER BY {ORDER} LIMIT $9::bigint"
        );
        let rows = self.transaction.query_raw(&sql, Params::of(filter).with_limit()).await.map_err(&db)?;
        let mut rows = pin!(rows);
        while let Some(row) = rows.try_next().await.map_err(&db)? {
            if !take(self.letter(&row))? {
                break;
            }
        }
        Ok(())
    }

    fn letter(&self, row: &Row) -> Letter {
        let (topic, reason): (String, String) = (row.get(0), row.get(4));
        let key: Option<Vec<u8>> = row.get(6);
        let item = u32::try_from(row.get::<_, i32>(3)).unwrap_or(0);
        Letter {
            partition: u32::try_from(row.get::<_, i32>(1)).unwrap_or(0),
            offset: u64::try_from(row.get::<_, i64>(2)).unwrap_or(0),
            item,
            before_gap: u64::try_from(row.get::<_, i64>(9)).unwrap_or(0),
            kafka_timestamp: row.get::<_, Option<i64>>(8).and_then(|time_us| Timestamp::from_microsecond(time_us).ok()),
            received_at: Timestamp::from_microsecond(row.get(5)).ok(),
            from_csv: self.is_csv(&topic),
            is_cut: says_cut(&reason),
            // One of just so many bytes may be whole; who repairs it knows.
            key_is_cut: item > 0 && key.as_ref().is_some_and(|key| key.len() >= ITEM_KEY_BYTES_MAX),
            key,
            payload: row.get(7),
            topic,
            reason,
        }
    }
}
