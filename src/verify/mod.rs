//! `verify`: everything computed again in batch, by code that shares nothing with the dataflow, and compared bit by bit.
//!
//! | module | one concept |
//! |---|---|
//! | [`definitions`] | what every derived table is, in SQL |
//! | [`derived`] | derived tables against their definitions |
//! | [`input`] | raw rows and dead letters against the input |
//! | [`gone`] | what can be said of a row where the beginning of the input is gone |
//! | [`videos`] | what is known of videos against the input |
//! | [`prefix`] | the input up to the stored positions |
//! | [`report`] | what was compared, and what differs |
//! | [`stored`] | what progress says of the tables |

pub mod definitions;
pub mod derived;
pub mod gone;
pub mod input;
pub mod prefix;
pub mod report;
pub mod stored;
pub mod videos;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use tokio_postgres::{Client, IsolationLevel, Transaction};

use crate::postgres::connect::in_words;
use crate::source::{Input, Source, SourceError};
use crate::verify::prefix::read_prefix;
use crate::verify::report::VerifyReport;
use crate::verify::stored::StoredProgress;
use crate::verify::videos::Words;

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Nothing was ever stored there.
    #[error("the database has no tables of viewtide; let `viewtide run` make them first, or name another database")]
    Empty,
    /// An older viewtide made them.
    #[error(
        "the database has an older schema; `viewtide migrate` brings it up to date, and so does the next `viewtide run`"
    )]
    Older,
    /// The tables were made from something else.
    #[error("the tables were made from {stored}, and verify was given {given}; give it the same input")]
    OtherInput {
        /// As stored.
        stored: String,
        /// As given.
        given: String,
    },
    /// Progress cannot be read.
    #[error("viewtide_progress has a damaged {0}")]
    Progress(String),
    /// The input cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The server said no.
    #[error("{what}: {}", in_words(error))]
    Db {
        /// What was being done.
        what: String,
        /// The server's word.
        error: tokio_postgres::Error,
    },
}

impl VerifyError {
    pub(crate) fn while_doing(what: impl Into<String>) -> impl FnOnce(tokio_postgres::Error) -> Self {
        let what = what.into();
        move |error| Self::Db { what, error }
    }
}

/// One look at the database, in one snapshot, also while a sink goes on writing.
pub struct Verification<'a> {
    transaction: Transaction<'a>,
    stored: StoredProgress,
    began: Instant,
}

impl<'a> Verification<'a> {
    /// Takes the snapshot.
    pub async fn begin(client: &'a mut Client) -> Result<Self, VerifyError> {
        let began = Instant::now();
        let transaction = client
            .build_transaction()
            .isolation_level(IsolationLevel::RepeatableRead)
            .read_only(true)
            .start()
            .await
            .map_err(VerifyError::while_doing("beginning"))?;
        // Sorts of whole tables; the default would go to disk over and over.
        transaction
            .batch_execute("SET LOCAL work_mem = '256MB'; SET LOCAL jit = off; SET LOCAL TimeZone = 'UTC'")
            .await
            .map_err(VerifyError::while_doing("setting up the session"))?;
        let stored = StoredProgress::read(&transaction).await?;
        Ok(Self { transaction, stored, began })
    }

    /// What progress says.
    pub fn stored(&self) -> &StoredProgress {
        &self.stored
    }

    /// Compares every derived table with its definition and, where there is `input`, the raw rows and dead letters with it.
    pub async fn run(self, input: Option<Arc<dyn Source>>) -> Result<VerifyReport, VerifyError> {
        let mut report = VerifyReport { tick: self.stored.tick, ..VerifyReport::default() };
        if let Some(source) = input {
            let beside = source.beside();
            self.stored.check_same(Input::Snapshots, Some(source.identity()))?;
            for input in [Input::VideosTopic, Input::VideosFile] {
                self.stored.check_same(input, beside.get(&input))?;
            }
            let not_given = |input: &Input| !beside.contains_key(input);
            let not_given: BTreeSet<Input> = self.stored.beside.keys().copied().filter(not_given).collect();
            report.never_read = beside
                .iter()
                .filter(|(input, _)| !self.stored.beside.contains_key(input))
                .flat_map(|(_, identity)| identity.names())
                .map(str::to_owned)
                .collect();
            report.not_compared = self.stored.names_of(&not_given);
            source.set_clock(self.stored.first_started_at_us);
            let given = self.stored.positions.iter().filter(|(partition, _)| !not_given.contains(&partition.input));
            let given = given.map(|(partition, span)| (*partition, *span)).collect();
            let mut prefix = read_prefix(source, &given, &self.stored.begun_anew())?;
            let words = Words { records: std::mem::take(&mut prefix.metadata), not_given, gone: prefix.inputs_gone() };
            input::compare(&self.transaction, &self.stored, prefix, &mut report).await?;
            videos::compare(&self.transaction, words, &mut report).await?;
        }
        // After the raw rows: what follows from them differs where they do.
        for definition in definitions::definitions(self.stored.outputs) {
            derived::compare(&self.transaction, &definition, &mut report).await?;
        }
        report.seconds = self.began.elapsed().as_secs_f64();
        Ok(report)
    }
}
