//! `verify`: everything computed again in batch, by code that shares nothing with the dataflow, and compared bit by bit.
//!
//! | module | one concept |
//! |---|---|
//! | [`definitions`] | what every derived table is, in SQL |
//! | [`derived`] | derived tables against their definitions |
//! | [`input`] | raw rows and dead letters against the input |
//! | [`gone`] | what can be said of a row where the beginning of the input is gone |
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

use std::sync::Arc;
use std::time::Instant;

use tokio_postgres::{Client, IsolationLevel, Transaction};

use crate::postgres::connect::in_words;
use crate::source::{Source, SourceError};
use crate::verify::prefix::read_prefix;
use crate::verify::report::VerifyReport;
use crate::verify::stored::StoredProgress;

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Nothing was ever stored there.
    #[error("the database has no tables of viewtide; let `viewtide run` make them first, or name another database")]
    Empty,
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
        for definition in definitions::definitions(self.stored.outputs) {
            derived::compare(&self.transaction, &definition, &mut report).await?;
        }
        if let Some(source) = input {
            if *source.identity() != self.stored.source {
                return Err(VerifyError::OtherInput {
                    stored: self.stored.source.to_string(),
                    given: source.identity().to_string(),
                });
            }
            source.set_clock(self.stored.first_started_at_us);
            let prefix = read_prefix(source, &self.stored.positions, &self.stored.begun_anew())?;
            input::compare(&self.transaction, &self.stored, prefix, &mut report).await?;
        }
        report.seconds = self.began.elapsed().as_secs_f64();
        Ok(report)
    }
}
